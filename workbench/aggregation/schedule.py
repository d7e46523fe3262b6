"""Schedules: which pairs a scheme looks at, and how many comparisons that costs."""

import numpy as np

from workbench.aggregation.order import check_order
from workbench.aggregation.schemes import SCHEMES


def schedule_of(name: str) -> str:
    """`bubble` for bubble, `all` for the schemes that look at every pair.

    Raises:
        UnknownName: no such scheme.
    """
    SCHEMES[name]
    return "bubble" if name == "bubble" else "all"


def comparisons(mask: np.ndarray, name: str, order: str = "both") -> np.ndarray:
    """Encoder comparisons that a scheme needs in each prompt.

    Schedule `all`: every pair, `n (n − 1) / 2`; `bubble`: `n − 1` pairs. Order `both` compares
    each pair twice, `random` and `left` once.

    Args:
        mask: [Q, N] bool.
        name: of the scheme.
        order: one of `ORDERS`.

    Returns:
        [Q] int64.

    Raises:
        UnknownName: no such scheme or order mode.
    """
    check_order(order)
    n = mask.sum(axis=1)
    pairs = np.maximum(n - 1, 0) if schedule_of(name) == "bubble" else n * (n - 1) // 2
    return pairs * (2 if order == "both" else 1)
