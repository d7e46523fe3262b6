"""Places of values within their prompt, ties and masks respected."""

import numpy as np


def places(values: np.ndarray, pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many candidates of the prompt are above each one, and how many equal it.

    Args:
        values: [Q, N]; what stands outside the pool does not matter.
        pool: [Q, N] bool.

    Returns:
        Two [Q, N] int64: strictly above, and equal (itself included); 0 outside the pool.
    """
    above, equal = np.zeros((2, *pool.shape), np.int64)
    # Column by column: several times as fast as one [Q, N, N] array of all pairs.
    for place in range(pool.shape[1]):
        other, real = values[:, place, None], pool[:, place, None]
        above += real & (other > values)
        equal += real & (other == values)
    return np.where(pool, above, 0), np.where(pool, equal, 0)


def average_ranks(values: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q, N] ranks, 1 for the highest value, ties share their mean rank; NaN outside the pool."""
    above, equal = places(values, pool)
    return np.where(pool, above + (equal + 1) / 2, np.nan)
