"""What scores pick: the best, or the best K, ties shared out in expectation."""

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.measured import check_scores, measured
from workbench.evaluation.ordering import places


def pick_weights(scores: np.ndarray, mask: np.ndarray, k: int = 1) -> np.ndarray:
    """The chance of each candidate to be among the top k, ties broken at random.

    A pick so weighted is the same every time, and no LLM wins by its place in the array.

    Args:
        scores: [Q, N], higher is better; what stands outside the mask does not matter.
        mask: [Q, N] bool: the candidates to pick from.
        k: how many are picked, ≥ 1.

    Returns:
        [Q, N] float64 in [0, 1]; each row sums to min(k, candidates); 0 outside the mask.

    Raises:
        BadValue: k < 1, shapes that differ, a score inside the mask that is not finite.
    """
    if k < 1:
        raise BadValue("k", k, "an integer ≥ 1")
    check_scores(scores, mask)
    above, equal = places(scores, mask)
    return np.where(mask, np.clip((k - above) / np.maximum(equal, 1), 0.0, 1.0), 0.0)


def pick_quality(weights: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """[Q] expected quality of picks with these weights [Q, N]; NaN where nothing was picked.

    With weights of a top k: the mean quality of the k.
    """
    picked = weights > 0
    some = picked.any(axis=1)
    # Differences to the best one picked: picks of equal quality have exactly that quality.
    base = np.where(picked, quality, -np.inf).max(axis=1, initial=-np.inf)
    base = np.where(some, base, 0.0)
    below = np.where(picked, quality - base[:, None], 0.0)
    total = np.where(some, weights.sum(axis=1), 1.0)
    return np.where(some, base + (weights * below).sum(axis=1) / total, np.nan)


def top_k_mean(scores: np.ndarray, quality: np.ndarray, mask: np.ndarray, k: int) -> np.ndarray:
    """[Q] mean quality of the top k by score, expected over random tie-breaking.

    Candidates without a measured quality are left out; where fewer than k remain, all count;
    NaN where none does. Raises BadValue as `pick_weights` does.
    """
    return pick_quality(pick_weights(scores, measured(quality, mask), k), quality)


def top_k_best(scores: np.ndarray, quality: np.ndarray, mask: np.ndarray, k: int) -> np.ndarray:
    """[Q] best quality among the top k by score, the exact expectation over tie-breaking.

    Of t candidates tied at the border, r of which fit, a random choice holds none of the j best
    with probability `Π_{m<j} (t − r − m) / (t − m)`; the expected maximum follows.
    Pool, NaN and errors as in `top_k_mean`.
    """
    pool = measured(quality, mask)
    weights = pick_weights(scores, pool, k)
    certain = weights == 1.0
    drawn = (weights > 0.0) & ~certain
    sure = np.where(certain, quality, -np.inf).max(axis=1, initial=-np.inf)
    tied = drawn.sum(axis=1, keepdims=True)
    fitting = np.rint(np.where(drawn, weights, 0.0).sum(axis=1, keepdims=True))
    descending = -np.sort(-np.where(drawn, quality, -np.inf), axis=1)
    skipped = np.arange(mask.shape[1])[None, :]
    missing = np.clip((tied - fitting - skipped) / np.maximum(tied - skipped, 1), 0.0, 1.0)
    none_so_far = np.cumprod(missing, axis=1)
    before = np.concatenate([np.ones((len(mask), 1)), none_so_far[:, :-1]], axis=1)
    first = np.where(skipped < tied, before - none_so_far, 0.0)
    best = np.where(first > 0, np.maximum(descending, sure[:, None]), 0.0)
    expected = (first * best).sum(axis=1)
    return np.where(pool.any(axis=1), np.where(tied[:, 0] > 0, expected, sure), np.nan)
