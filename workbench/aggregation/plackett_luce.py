"""Plackett–Luce strengths from the rankings that the candidates, as opponents, give each other."""

import numpy as np

from workbench.aggregation.logits import check_positive, clean_logits, outside
from workbench.aggregation.newton import maximise
from workbench.aggregation.preferences import order_free

# Numbers in the largest array, [prompts, N², N]; the fastest that fits into caches.
CHUNK = 2**18


def plackett_luce(L: np.ndarray, mask: np.ndarray, *, prior: float = 0.1) -> np.ndarray:
    """Plackett–Luce: the strengths under which the rankings by opponents are most likely.

    Single pairs leave nothing between Plackett–Luce and `bradley_terry`. But as an opponent each
    candidate a ranks all that it was compared with, by how clearly they beat it, `D_ja`, and
    itself among them, at 0. Of these n rankings the model (Luce, 1959; Plackett, 1975) draws
    one place after the other: `Π_i exp(θ_i) / Σ_j exp(θ_j)`, j the candidates that are not
    ranked above i (so tied ones share a place, after Breslow). The prior of `bradley_terry` is
    added to the log-likelihood.

    Only the order of the margins counts, not their size. Where everyone has one opponent it is
    `bradley_terry` with verdicts for probabilities, each counted twice.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.
        prior: precision of the Gaussian prior on each strength, > 0, per squared logit.

    Returns:
        [Q, N] float64 strengths in logits, mean 0 in each prompt, −inf outside the mask.

    Raises:
        BadValue: a prior that is not a finite positive number.
        NotConverged: a prompt whose strengths did not settle (a prior far too small).
    """
    check_positive(prior=prior)
    queries, width = mask.shape
    D = order_free(clean_logits(L, mask))
    strengths = np.zeros(mask.shape)
    size = max(1, CHUNK // max(width, 1) ** 3)
    for start in range(0, queries, size):
        part = slice(start, start + size)
        strengths[part] = _strengths(D[part], mask[part], prior)
    return outside(strengths, mask)


def _strengths(D: np.ndarray, mask: np.ndarray, prior: float) -> np.ndarray:
    """[Q, N] strengths; all choices of a prompt are one table [N², N] of who was to choose from."""
    queries, width = mask.shape
    margins = D.transpose(0, 2, 1).copy()
    diagonal = np.arange(width)
    margins[:, diagonal, diagonal] = np.where(mask, 0.0, np.nan)
    # A comparison with NaN is False: who is not ranked neither chooses nor is to choose from.
    ranked = ~np.isnan(margins)
    left = (margins[:, :, None, :] <= margins[:, :, :, None]).astype(np.float64)
    left = left.reshape(queries, width * width, width)
    wins = ranked.sum(axis=1)

    def derivatives(rows: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights = np.exp(theta - theta.max(axis=1, keepdims=True))
        choice = left if len(rows) == queries else left[rows]
        whole = np.matmul(choice, weights[:, :, None])
        scaled = choice / np.where(whole > 0, whole, 1.0)
        expected = weights * scaled.sum(axis=1)
        gradient = wins[rows] - expected - prior * theta
        both = np.matmul(scaled.transpose(0, 2, 1), scaled)
        hessian = -both * weights[:, :, None] * weights[:, None, :]
        hessian[:, diagonal, diagonal] += expected + prior
        return gradient, hessian

    # Odds of the verdicts are near enough to spare a third of the steps.
    start = 1.5 * np.log(((D > 0).sum(axis=2) + 0.5) / ((D < 0).sum(axis=2) + 0.5))
    return maximise(derivatives, start, f"plackett_luce(prior={prior!r})")
