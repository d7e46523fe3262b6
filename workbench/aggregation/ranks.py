"""Ranks of scores."""

import numpy as np

from workbench.errors import BadValue


def ranks(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Competition ranks: 1 is best, ties share the smaller rank ("1, 2, 2, 4").

    Args:
        scores: [Q, N], higher is better; what stands outside the mask does not matter.
        mask: [Q, N] bool.

    Returns:
        [Q, N] int64; 0 outside the mask.

    Raises:
        BadValue: shapes differ, or a score inside the mask is NaN.
    """
    if scores.shape != mask.shape:
        raise BadValue("shape of the scores", scores.shape, f"that of the mask, {mask.shape}")
    if np.isnan(scores[mask]).any():
        raise BadValue("scores", float("nan"), "a number for every candidate")
    better = (scores[:, None, :] > scores[:, :, None]) & mask[:, None, :]
    return np.where(mask, 1 + better.sum(axis=2), 0)
