"""Where the pick stands among the candidates of its prompt."""

import numpy as np

from workbench.evaluation.ordering import average_ranks, places


def pick_rank(weights: np.ndarray, quality: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q] rank of the pick by quality, 1 is best; ties share their mean rank.

    A random pick has the mean rank (n + 1) / 2 exactly, ties or not. NaN in prompts with fewer
    than two candidates.

    Args:
        weights: [Q, N] of `pick_weights`, within the pool.
        quality: [Q, N], a number inside the pool.
        pool: [Q, N] bool.
    """
    ranks = np.where(pool, average_ranks(quality, pool), 0.0)
    return _where_comparable((weights * ranks).sum(axis=1), pool)


def pick_competition_rank(weights: np.ndarray, quality: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """[Q] one more than the candidates that are strictly better than the pick: ties share the best.

    On the scores of GPT-Rank (`quality/gpt_rank.py`) this is GPT-Rank, as LLM-Blender counts it
    (ACL 2023). NaN and arguments as in `pick_rank`.
    """
    above, _ = places(quality, pool)
    return _where_comparable((weights * np.where(pool, above + 1, 0)).sum(axis=1), pool)


def pick_in_top(
    weights: np.ndarray, quality: np.ndarray, pool: np.ndarray, top: int = 3
) -> np.ndarray:
    """[Q] chance that the pick is among the `top` by quality.

    Generous to ties: a candidate is among them where fewer than `top` are strictly better. NaN
    in prompts with fewer than two candidates. Arguments as in `pick_rank`.
    """
    above, _ = places(quality, pool)
    return _where_comparable((weights * (pool & (above < top))).sum(axis=1), pool)


def at_least_as_good(
    weights: np.ndarray, others: np.ndarray, quality: np.ndarray, pool: np.ndarray
) -> np.ndarray:
    """[Q] chance that the pick's quality is at least that of another system's pick.

    Where either system is undecided between tied candidates the two are drawn independently.
    NaN where either picks nothing, such as a named LLM without an answer to the prompt.

    Args:
        weights: [Q, N] of this system's pick, within the pool.
        others: [Q, N] of the other system's pick, within the pool.
        quality: [Q, N], a number inside the pool.
        pool: [Q, N] bool.
    """
    value = np.where(pool, quality, 0.0)
    wins = value[:, :, None] >= value[:, None, :]
    chance = np.einsum("qi,qij,qj->q", weights, wins, others)
    both = (weights.sum(axis=1) > 0) & (others.sum(axis=1) > 0)
    return np.where(both, np.minimum(chance, 1.0), np.nan)


def _where_comparable(values: np.ndarray, pool: np.ndarray) -> np.ndarray:
    return np.where(pool.sum(axis=1) >= 2, values, np.nan)
