"""Scores of the systems that stand beside every other: Random, Longest, BestSingle, Oracle."""

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.measured import measured


def random_scores(mask: np.ndarray, seed: int | None = None) -> np.ndarray:
    """Random: every candidate as good as any other.

    Without a seed all candidates tie, and every figure of the pick is its exact expectation over
    random picks; correlations and the footrule of constant scores are undefined. With a seed:
    one random ranking.

    Returns:
        [Q, N] float64, −inf outside the mask.
    """
    if seed is None:
        return np.where(mask, 0.0, -np.inf)
    return np.where(mask, np.random.default_rng(seed).random(mask.shape), -np.inf)


def longest_scores(length: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Longest: [Q, N] lengths in characters as scores, −inf outside the mask."""
    return np.where(mask, length.astype(np.float64), -np.inf)


def oracle_scores(quality: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Oracle: the quality itself as score; −inf outside the mask and where not measured."""
    return np.where(measured(quality, mask), quality, -np.inf)


def best_single(
    quality: np.ndarray, llm: np.ndarray, mask: np.ndarray, n_llms: int
) -> tuple[np.ndarray, int]:
    """Mean quality of each LLM and the index of the best: to be called on validation, not test.

    An LLM that answered few prompts could be best by luck. So only those count that are measured
    on at least half of the measured prompts; where none is, on at least half as many as the LLM
    that is measured on most.

    Args:
        quality: [Q, N], NaN where not measured (left out of the means).
        llm: [Q, N] int index of each candidate's LLM; −1 outside the mask.
        mask: [Q, N] bool.
        n_llms: how many LLMs there are.

    Returns:
        Means [n_llms], NaN for an LLM measured on too few prompts, and the best index.

    Raises:
        BadValue: no candidate has a quality, or an LLM index is out of range.
    """
    pool = measured(quality, mask)
    index = llm[pool]
    if not index.size:
        raise BadValue("quality", None, "at least one measured candidate to choose BestSingle by")
    if index.min() < 0 or index.max() >= n_llms:
        raise BadValue("llm", int(index.max()), f"indices from 0 to {n_llms - 1}")
    # An LLM may have several candidates of one prompt: prompts are counted, not candidates.
    pairs = np.unique(np.nonzero(pool)[0] * n_llms + index)
    prompts = np.bincount(pairs % n_llms, minlength=n_llms)
    half = pool.any(axis=1).sum() / 2
    enough = prompts >= (half if prompts.max() >= half else prompts.max() / 2)
    counts = np.bincount(index, minlength=n_llms)
    sums = np.bincount(index, weights=quality[pool], minlength=n_llms)
    means = np.where(enough & (counts > 0), sums / np.maximum(counts, 1), np.nan)
    return means, int(np.nanargmax(means))


def single_scores(values: np.ndarray, llm: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """BestSingle: each candidate scores what its LLM is worth, whatever the prompt.

    Where the best LLM has no candidate the next best that has one is picked, so that ragged
    pools work.

    Args:
        values: [n_llms], for BestSingle the means of `best_single`; NaN comes last.
        llm: [Q, N] int index of each candidate's LLM.
        mask: [Q, N] bool.

    Returns:
        [Q, N] float64, −inf outside the mask.

    Raises:
        BadValue: no value is a number, or an LLM index is out of range.
    """
    known = np.isfinite(values)
    if not known.any():
        raise BadValue("values", "all NaN", "a value for at least one LLM")
    if mask.any() and not (llm[mask].min() >= 0 and llm[mask].max() < len(values)):
        raise BadValue("llm", int(llm[mask].max()), f"indices from 0 to {len(values) - 1}")
    worst = values[known].min()
    order = np.where(known, values, worst - 1.0 - abs(worst))
    return np.where(mask, order[np.where(mask, llm, 0)], -np.inf)
