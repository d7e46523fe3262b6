"""The schedule `all`: every pair, in one round."""

import numpy as np

from workbench.aggregation.lock_step import Round, Rounds


def all_pairs(mask: np.ndarray, keys: np.ndarray) -> Rounds:
    """All: each of the n (n − 1) / 2 pairs; it has no order of its own.

    Args:
        mask: [Q, N] bool.
        keys: [Q] uint64; not used, nothing is drawn.
    """
    low, high = np.triu_indices(mask.shape[1], 1)
    prompt, pair = np.nonzero(mask[:, low] & mask[:, high])
    if len(prompt):
        yield Round(prompt, low[pair], high[pair])
    return None
