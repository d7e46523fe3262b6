"""One number for quality and cost of a router: the arena score.

RouterArena (arXiv 2510.00202): the weighted harmonic mean of accuracy and cheapness.
"""

import numpy as np

from workbench.errors import BadValue

BETA = 0.1
LOW, HIGH = 0.0044, 200.0
"""USD for 1,000 queries: costs below and above count as these."""


def cheapness(cost: np.ndarray | float, low: float = LOW, high: float = HIGH) -> np.ndarray:
    """`C = (log₂ high − log₂ cost) / (log₂ high − log₂ low)`, from 1 at `low` to 0 at `high`.

    Args:
        cost: USD for 1,000 queries, at least 0, clamped to [low, high]; NaN where unknown.
        low: the cost that counts as free.
        high: the cost that counts as worst.

    Returns:
        The shape of `cost`, NaN where that is NaN.

    Raises:
        BadValue: a negative cost, or not 0 < low < high.
    """
    if not 0 < low < high < np.inf:
        raise BadValue("low and high of the cost", (low, high), "0 < low < high")
    given = np.asarray(cost, np.float64)
    if (given < 0).any():
        raise BadValue("cost", float(given[given < 0].flat[0]), "USD for 1,000 queries, at least 0")
    share: np.ndarray = np.log2(high / np.clip(given, low, high)) / np.log2(high / low)
    return share


def arena_score(
    accuracy: np.ndarray | float,
    cost: np.ndarray | float,
    *,
    beta: float = BETA,
    low: float = LOW,
    high: float = HIGH,
) -> np.ndarray:
    """`(1 + β) A C / (β A + C)`, from 0 to 1; the smaller β, the more accuracy counts.

    Args:
        accuracy: mean quality A from 0 to 1.
        cost: USD for 1,000 queries, see `cheapness`.
        beta: weight of the cost, above 0.
        low, high: see `cheapness`.

    Returns:
        The common shape of both; NaN where either is; 0 where both A and C are 0.

    Raises:
        BadValue: an accuracy outside 0 to 1, a negative cost, β that is not above 0.
    """
    if not 0 < beta < np.inf:
        raise BadValue("beta", beta, "a number above 0")
    a = np.asarray(accuracy, np.float64)
    if ((a < 0) | (a > 1)).any():
        wrong = float(a[(a < 0) | (a > 1)].flat[0])
        raise BadValue("accuracy", wrong, "a mean quality from 0 to 1")
    c = cheapness(cost, low, high)
    below = beta * a + c
    score: np.ndarray = (1 + beta) * a * c / np.where(below == 0, 1.0, below)
    return score
