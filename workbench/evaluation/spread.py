"""How far qualities differ within prompts."""

import numpy as np


def spread(quality: np.ndarray) -> np.ndarray:
    """[tasks] standard deviation within prompts of qualities [Q, N, tasks] (NaN: not measured).

    Only differences within a prompt are learned; how hard prompts differ is not counted.
    1 where a measure does not vary.
    """
    known = ~np.isnan(quality)
    count = known.sum(axis=1, keepdims=True)
    filled = np.where(known, quality, 0.0)
    mean = filled.sum(axis=1, keepdims=True) / np.maximum(1, count)
    squares = np.where(known, (quality - mean) ** 2, 0.0).sum(axis=(0, 1))
    deviation = np.sqrt(squares / np.maximum(1, known.sum(axis=(0, 1))))
    return np.where(deviation > 0, deviation, 1.0)
