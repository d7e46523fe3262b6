"""Rank centrality: the stationary distribution of a walk from losers to winners."""

import numpy as np

from workbench.aggregation.logits import check_positive, clean_logits, outside, sigmoid
from workbench.aggregation.preferences import order_free

# The elimination below subtracts nothing, so that logarithms are right to about 1e-13.
DECIMALS = 10


def rank_centrality(
    L: np.ndarray, mask: np.ndarray, *, alpha: float = 0.01, temperature: float = 1.0
) -> np.ndarray:
    """Rank centrality (Negahban, Oh, Shah, Operations Research 2017, section 2).

    A walk moves from candidate i to j at the rate `σ(D_ji / temperature) + alpha`, `alpha` alone
    where the pair was not compared: it stays longest with those that win against winners. The
    score is the logarithm of the share of time that it spends with a candidate. Where `D` are
    differences of strengths, temperature 1 and alpha → 0 give these strengths back, as
    `bradley_terry` would.

    The jumps to anyone, which the paper's chain has not, make the answer unique for every
    comparison graph and finite for verdicts without doubt. A candidate without a comparison has
    an equal share, 1/n, and so has everyone where nothing was compared.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.
        alpha: rate of jumps between any two candidates, > 0, in units of one comparison.
        temperature: what D is divided by before it becomes a probability, > 0.

    Returns:
        [Q, N] float64, the logarithm of n times the share: 0 is an equal share; −inf outside the
        mask.

    Raises:
        BadValue: a parameter that is not a finite positive number.
    """
    check_positive(alpha=alpha, temperature=temperature)
    D = order_free(clean_logits(L, mask))
    if D.size == 0:
        return outside(np.zeros(mask.shape), mask)
    with np.errstate(over="ignore"):
        beaten = np.where(np.isnan(D), 0.0, sigmoid(-D / temperature))
    rates = np.where(mask[:, :, None] & mask[:, None, :], beaten + alpha, 0.0)
    order = np.argsort(~mask, axis=1, kind="stable")
    rows = np.arange(len(mask))[:, None]
    share = np.empty(mask.shape)
    share[rows, order] = _stationary(rates[rows[:, :, None], order[:, :, None], order[:, None, :]])
    times = np.maximum(mask.sum(axis=1, keepdims=True), 1) * share
    scores = np.round(np.log(np.where(mask, times, 1.0)), DECIMALS) + 0.0
    return outside(scores, mask)


def _stationary(rates: np.ndarray) -> np.ndarray:
    """[Q, N] stationary distributions of chains with these rates [Q, N, N], which it overwrites.

    The elimination of Grassmann, Taksar and Heyman (1985): state after state is taken out and
    the others joined by what went through it. What stands on the diagonal does not matter.
    States without rates must be last and have no share.
    """
    width = rates.shape[1]
    for last in range(width - 1, 0, -1):
        leaves = rates[:, last, :last].sum(axis=1, keepdims=True)
        rates[:, :last, last] /= np.where(leaves > 0, leaves, 1.0)
        through = rates[:, :last, last, None] * rates[:, None, last, :last]
        rates[:, :last, :last] += through
    share = np.zeros(rates.shape[:2])
    share[:, 0] = 1.0
    for state in range(1, width):
        share[:, state] = (share[:, :state] * rates[:, :state, state]).sum(axis=1)
    return share / share.sum(axis=1, keepdims=True)
