"""Order modes: which presentations of a pair are used."""

import numpy as np

from workbench.aggregation.seeds import keys_or_shared, random_bits
from workbench.errors import UnknownName

ORDERS = ("both", "random", "left")


def apply_order(
    L: np.ndarray, mode: str, seed: int = 0, keys: np.ndarray | None = None
) -> np.ndarray:
    """The logits that would be known if only the presentations of an order mode were compared.

    `both`: all, as they are. `random`: of each pair compared in both orders one, by a seeded
    coin; half the cost, and position bias becomes noise of mean zero. `left`: only those with
    the earlier column shown left.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mode: one of `ORDERS`.
        seed: of the coins; only `random` uses it.
        keys: [Q] integers that stand for the prompts (`prompt_keys`). The coin of a pair depends
            on seed, key and columns alone, never on the batch. Without keys all prompts share
            their coins, so that the bias falls on the same columns in each.

    Returns:
        [Q, N, N] of L's type, NaN for the presentations left out; L itself for `both`.

    Raises:
        UnknownName: no such mode.
        BadValue: a seed or keys that cannot be used.
    """
    check_order(mode)
    if mode == "both":
        return L
    queries, width = L.shape[:2]
    column = np.arange(width)
    upper = column[:, None] < column[None, :]
    if mode == "left":
        return np.where(upper, L, np.nan).astype(L.dtype, copy=False)
    low = np.minimum(column[:, None], column[None, :])[None]
    high = np.maximum(column[:, None], column[None, :])[None]
    heads = earlier_left(seed, keys_or_shared(keys, queries)[:, None, None], low, high)
    compared = ~np.isnan(L)
    dropped = compared & compared.transpose(0, 2, 1) & (heads != upper)
    return np.where(dropped, np.nan, L).astype(L.dtype, copy=False)


def earlier_left(seed: int, keys: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The coins of `random`: True where of two columns, low < high, the earlier is shown left.

    Keys (uint64) and columns broadcast against each other.
    """
    return (random_bits(seed, keys, low, high) >> np.uint64(63)).astype(bool)


def check_order(mode: str) -> None:
    """Raises UnknownName for a mode that is not in `ORDERS`."""
    if mode not in ORDERS:
        raise UnknownName("order mode", mode, ORDERS)
