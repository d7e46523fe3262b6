"""Correlations of scores with quality within each prompt.

All take scores [Q, N], quality [Q, N] and pool [Q, N] bool, both finite inside the pool, and give
[Q] with NaN where the figure is undefined: fewer than two candidates, or either is constant.
"""

import numpy as np

from workbench.evaluation.ordering import average_ranks


def pearson(scores: np.ndarray, quality: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q] Pearson's r of scores and quality, in [−1, 1]."""
    n = np.maximum(pool.sum(axis=1, keepdims=True), 1)
    x, y = _standardised(scores, pool, n), _standardised(quality, pool, n)
    # Constancy is seen from the values: a constant's deviations are rounding, not always 0.
    defined = _varied(scores, pool) & _varied(quality, pool)
    return np.where(defined, np.clip((x * y).sum(axis=1), -1.0, 1.0), np.nan)


def spearman(scores: np.ndarray, quality: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q] Spearman's ρ: Pearson's r of the ranks, ties sharing their mean rank."""
    return pearson(average_ranks(scores, pool), average_ranks(quality, pool), pool)


def footrule(
    scores: np.ndarray, quality: np.ndarray, pool: np.ndarray, *, normalised: bool = False
) -> np.ndarray:
    """[Q] Spearman's footrule `Σ_i |rank by score − rank by quality|`; 0 is perfect.

    A distance, as in LLM-Blender's tables: a random ranking of n has (n² − 1) / 3, at most it is
    ⌊n² / 2⌋, by which `normalised` divides. Ties share their mean rank; constant scores would
    so seem nearer to the quality than a random ranking, hence they have none.
    """
    gaps = np.abs(average_ranks(scores, pool) - average_ranks(quality, pool))
    distance = np.where(pool, gaps, 0.0).sum(axis=1)
    n = pool.sum(axis=1)
    if normalised:
        distance = distance / np.maximum(n * n // 2, 1)
    return np.where(_varied(scores, pool) & _varied(quality, pool), distance, np.nan)


def kendall(scores: np.ndarray, quality: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q] Kendall's τ-b: concordant minus discordant pairs, corrected for ties, in [−1, 1]."""
    x, y = _signs(scores, pool), _signs(quality, pool)
    concordance = (x * y).sum(axis=(1, 2), dtype=np.float64)
    untied_x = np.abs(x).sum(axis=(1, 2), dtype=np.float64)
    untied_y = np.abs(y).sum(axis=(1, 2), dtype=np.float64)
    scale = np.sqrt(untied_x) * np.sqrt(untied_y)
    tau = np.clip(concordance / np.where(scale > 0, scale, 1.0), -1.0, 1.0)
    return np.where(scale > 0, tau, np.nan)


def _varied(values: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q] bool: the prompt has two different values."""
    top = np.where(pool, values, -np.inf).max(axis=1, initial=-np.inf)
    bottom = np.where(pool, values, np.inf).min(axis=1, initial=np.inf)
    return top > bottom


def _standardised(values: np.ndarray, pool: np.ndarray, n: np.ndarray) -> np.ndarray:
    """[Q, N] deviations from the prompt's mean at unit length, 0 outside the pool."""
    inside = np.where(pool, values, 0.0)
    deviation = np.where(pool, inside - inside.sum(axis=1, keepdims=True) / n, 0.0)
    size = np.abs(deviation).max(axis=1, keepdims=True, initial=0.0)
    deviation = deviation / np.where(size > 0, size, 1.0)
    length = np.sqrt((deviation**2).sum(axis=1, keepdims=True))
    return deviation / np.where(length > 0, length, 1.0)


def _signs(values: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q, N, N] int8 sign of value_i − value_j, 0 outside the pool."""
    inside = pool[:, :, None] & pool[:, None, :]
    left, right = values[:, :, None], values[:, None, :]
    return ((left > right) & inside).astype(np.int8) - ((left < right) & inside)
