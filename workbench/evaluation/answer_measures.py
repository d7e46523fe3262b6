"""Where an answer that is none of the candidates, such as a fusion, stands among them.

An answer is known by its quality alone, values [Q]. One that is as good as a candidate has exactly
the figures that a pick of that candidate has (`pick_measures.py`).
"""

import numpy as np


def answer_rank(values: np.ndarray, quality: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q] the place that the answer takes among the candidates of its prompt, 1 is best.

    That of the candidates that it equals (ties share their mean rank), else right behind those
    that are better: from 1 to one more than there are candidates. NaN in prompts with fewer than
    two candidates, and where there is no answer.

    Args:
        values: [Q] quality of the answer, NaN where there is none.
        quality: [Q, N], a number inside the pool.
        pool: [Q, N] bool.
    """
    equal = (pool & (quality == values[:, None])).sum(axis=1)
    return _where_comparable(_better(values, quality, pool) + (np.maximum(equal, 1) + 1) / 2,
                             values, pool)  # fmt: skip


def answer_competition_rank(
    values: np.ndarray, quality: np.ndarray, pool: np.ndarray
) -> np.ndarray:
    """[Q] one more than the candidates that are strictly better than the answer.

    NaN and arguments as in `answer_rank`.
    """
    return _where_comparable(_better(values, quality, pool) + 1.0, values, pool)


def answer_in_top(
    values: np.ndarray, quality: np.ndarray, pool: np.ndarray, top: int = 3
) -> np.ndarray:
    """[Q] 1.0 where fewer than `top` candidates are strictly better than the answer, else 0.0.

    NaN and arguments as in `answer_rank`.
    """
    return _where_comparable(_better(values, quality, pool) < top, values, pool)


def chance_above(
    values: np.ndarray, weights: np.ndarray, quality: np.ndarray, *, ties: bool = False
) -> np.ndarray:
    """[Q] chance that the answer is better than a pick, or with `ties` at least as good.

    NaN where there is no answer or nothing was picked.

    Args:
        values: [Q] quality of the answer, NaN where there is none.
        weights: [Q, N] of the pick (`pick_weights` with k = 1).
        quality: [Q, N], a number where the weight is not 0.
        ties: count equal quality too.
    """
    above = values[:, None] >= quality if ties else values[:, None] > quality
    chance = np.minimum(np.where(above, weights, 0.0).sum(axis=1), 1.0)
    return np.where(np.isfinite(values) & (weights > 0).any(axis=1), chance, np.nan)


def _better(values: np.ndarray, quality: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q] candidates that are strictly better than the answer."""
    return (pool & (quality > values[:, None])).sum(axis=1)


def _where_comparable(figure: np.ndarray, values: np.ndarray, pool: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values) & (pool.sum(axis=1) >= 2), figure, np.nan)
