"""Top K: compares only what still bears on who is among the best K."""

from collections.abc import Generator

import numpy as np
from scipy.special import ndtr

from workbench.aggregation.lock_step import Round, Rounds
from workbench.aggregation.seeds import check_seed, shuffled
from workbench.aggregation.strengths import Strengths
from workbench.errors import BadValue

# Digits in which choices are made: far more than tell pairs apart, and few enough that rounding,
# which may depend on how many candidates an array has room for, decides nothing.
DIGITS = 9


def top_k(
    mask: np.ndarray,
    keys: np.ndarray,
    *,
    k: int = 1,
    confidence: float = 0.95,
    pairs: int = 1,
    seed: int = 0,
) -> Rounds:
    """Top K: stops where the K best by MaxLogits over all pairs are known with confidence.

    A first round, drawn by a seeded permutation, compares every candidate once. From then on a
    Gaussian model of the prompt's own comparisons (`strengths`) foretells those not made, and so
    every candidate's total `t_i = Σ_j D_ij` over all opponents, with mean and covariance. The
    risk that a candidate outside the K of the highest mean belongs in it is at most
    `Σ P(t_a < t_b)` over a inside and b outside (Student's t); a prompt ends where it is at most
    1 − confidence. Until then the next pairs are those that most reduce the variance of the
    differences `t_a − t_b`, each weighed by its risk: candidates that cannot reach the top K, or
    cannot fall out of it, are not compared any more unless they tell about one that can.

    The score is the expected MaxLogits score, `2 E t_i`; with confidence 1, where all pairs are
    compared, it is that score. In a prompt of at most k candidates nothing is compared, and all
    score 0. After the active ranking of Heckel et al. (Annals of Statistics 2019), with the
    posterior of a linear model, which has a scale, in place of confidence bounds on votes.

    Args:
        mask: [Q, N] bool.
        keys: [Q] uint64 that stand for the prompts.
        k: how many are wanted, ≥ 1; their order among themselves is not.
        confidence: > 0, at most 1.
        pairs: compared in each round of a prompt, ≥ 1; more make fewer rounds, and overshoot.
        seed: of the first round, see `shuffled`.

    Raises:
        BadValue: a parameter out of range, or a seed that cannot be used.
    """
    check_seed(seed)
    for name, value in (("k", k), ("pairs", pairs)):
        if value < 1:
            raise BadValue(f"{name} of top_k", value, "an integer ≥ 1")
    if not 0 < confidence <= 1:
        raise BadValue("confidence of top_k", confidence, "a number > 0 and ≤ 1")
    scores = np.where(mask, 0.0, -np.inf)
    candidates = mask.sum(axis=1)
    prompt = np.flatnonzero(candidates > k)
    if not len(prompt):
        return scores
    # From here on candidates are numbered by their place in the permutation, which breaks ties.
    n = candidates[prompt]
    queue = shuffled(mask, seed, keys)[prompt, : int(n.max())]
    totals = yield from _compared(prompt, queue, n, k, confidence, pairs)
    real = np.arange(queue.shape[1]) < n[:, None]
    rows, place = np.nonzero(real)
    scores[prompt[rows], queue[rows, place]] = 2.0 * totals[rows, place]
    return scores


def _compared(
    prompt: np.ndarray, queue: np.ndarray, n: np.ndarray, k: int, confidence: float, pairs: int
) -> Generator[Round, np.ndarray, np.ndarray]:
    """[P, n] the expected totals of prompts that have more than k candidates."""
    known = np.zeros(queue.shape)
    width = queue.shape[1]
    rows = np.arange(len(prompt))
    real = np.arange(width) < n[:, None]
    left = real[:, :, None] & real[:, None, :] & ~np.eye(width, dtype=bool)
    belief, seen = Strengths.before(len(prompt), width), np.zeros(queue.shape)
    i, j = _first_round(n, width)
    while True:
        D = yield from _verdicts(prompt[rows], queue[rows], i, j)
        lost = np.isnan(D).any(axis=1)
        at = np.arange(len(rows))
        for a, b, d in zip(i.T, j.T, np.nan_to_num(D).T, strict=True):
            belief.observe(a, b, d)
            seen[at, a] += d
            seen[at, b] -= d
            left[at, a, b] = left[at, b, a] = False
        totals, risk, gain = _outlook(belief, seen, left, real[rows], k)
        known[rows] = totals
        on = (risk > 1.0 - confidence) & np.any(left, axis=(1, 2)) & ~lost
        if not on.any():
            return known
        rows, belief, seen, left = rows[on], belief.kept(on), seen[on], left[on]
        i, j = _best_pairs(gain[on], left, pairs)


def _first_round(n: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs [P, ⌈width / 2⌉] in which each candidate is once, an odd one with the first too."""
    i = np.arange(0, width, 2)[None, :]
    j = np.where(i + 1 < n[:, None], i + 1, 0)
    there = i < n[:, None]
    return np.where(there, i, 0), np.where(there, j, 0)


def _verdicts(
    prompt: np.ndarray, queue: np.ndarray, i: np.ndarray, j: np.ndarray
) -> Generator[Round, np.ndarray, np.ndarray]:
    """D [P, pairs] of the pairs of a round; 0 where i = j, which is no pair."""
    row, which = np.nonzero(i != j)
    left, right = queue[row, i[row, which]], queue[row, j[row, which]]
    D = np.zeros(i.shape)
    D[row, which] = yield Round(prompt[row], left, right)
    return D


def _outlook(
    belief: Strengths, seen: np.ndarray, left: np.ndarray, real: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected totals [P, n], risk [P] of a wrong top k, and what each pair tells [P, n, n].

    With the Laplacian Λ of the graph of the pairs left, totals are `seen + Λ s + noise`: their
    covariance is `Λ S Λ + σ² Λ`, and with D of a pair (i, j) they vary as columns i − j of
    `M = Λ S + σ² I`. D known, the variance of `t_a − t_b` falls by `(M_ai − M_aj − M_bi + M_bj)²`
    over the variance of D.
    """
    mean, spread, noise = belief.known()
    diagonal = np.arange(seen.shape[1])
    laplacian = -left.astype(float)
    laplacian[:, diagonal, diagonal] = left.sum(axis=2)
    totals = seen + (laplacian @ mean[:, :, None])[:, :, 0]
    totals = _rounded(np.where(real, totals, 0.0))
    means = laplacian @ spread
    means[:, diagonal, diagonal] += noise[:, None]
    risks, variance = _risks(totals, means @ laplacian, left, real, belief.count, k)
    weight = np.where(variance > 0, risks / np.where(variance > 0, variance, 1.0), 0.0)
    weight += weight.transpose(0, 2, 1)
    border = -weight
    border[:, diagonal, diagonal] += weight.sum(axis=2)
    told = _of_pairs(means.transpose(0, 2, 1) @ border @ means)
    gain = told / np.maximum(_of_pairs(spread) + noise[:, None, None], np.finfo(float).tiny)
    return totals, risks.sum(axis=(1, 2)), gain


def _risks(
    totals: np.ndarray,
    covariance: np.ndarray,
    left: np.ndarray,
    real: np.ndarray,
    count: np.ndarray,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """P(t_a < t_b) [P, n, n] for a inside the top k and b outside, else 0; variance of t_a − t_b.

    A tie at the border of two candidates of whom all is known is settled: either will do.
    """
    best = np.argsort(np.where(real, -totals, np.inf), axis=1, kind="stable")[:, :k]
    inside = np.zeros(real.shape, dtype=bool)
    np.put_along_axis(inside, best, True, axis=1)
    open_ended = np.any(left, axis=2)
    border = inside[:, :, None] & (real & ~inside)[:, None, :]
    row, a, b = np.nonzero(border & (open_ended[:, :, None] | open_ended[:, None, :]))
    variance = np.maximum(_of_pairs(covariance), 0.0)
    gap, deviation = totals[row, a] - totals[row, b], np.sqrt(variance[row, a, b])
    sure = np.where(gap > 0, np.inf, 0.0)
    z = np.divide(gap, deviation, out=sure, where=deviation > 0)
    risks = np.zeros(border.shape)
    risks[row, a, b] = _upper_tail(z, count[row])
    return risks, variance


def _upper_tail(z: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """P(T > z) of Student's t for z ≥ 0, to 3 % up to z = 4 and never too small beyond.

    Wallace's normal approximation (Annals of Mathematical Statistics 1959), ten times as fast
    as the exact value.
    """
    root = np.sqrt(freedom * np.log1p(z * z / freedom))
    return ndtr(-root * (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0))


def _of_pairs(matrix: np.ndarray) -> np.ndarray:
    """[P, n, n] `(e_i − e_j)ᵀ A (e_i − e_j)` of symmetric matrices A [P, n, n]."""
    own = np.einsum("qii->qi", matrix)
    return own[:, :, None] + own[:, None, :] - 2.0 * matrix


def _best_pairs(gain: np.ndarray, left: np.ndarray, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs [P, pairs] that tell most of those left; i = j = 0 where there are fewer."""
    i, j = np.triu_indices(gain.shape[1], 1)
    there = left[:, i, j]
    value = np.where(there, _rounded(gain[:, i, j]), -1.0)
    best = np.argsort(-value, axis=1, kind="stable")[:, :pairs]
    some = np.take_along_axis(there, best, axis=1)
    return np.where(some, i[best], 0), np.where(some, j[best], 0)


def _rounded(values: np.ndarray) -> np.ndarray:
    """Values [P, …] to `DIGITS` digits of the largest of each row."""
    largest = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    unit = 2.0 ** np.floor(np.log2(np.where(largest > 0, largest, 1.0)))
    return np.round(values / unit, DIGITS) * unit + 0.0
