"""Which LLM is best how often: no LLM is best everywhere."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio, estimate, replicates


def llm_weights(weights: np.ndarray, llm: np.ndarray, n_llms: int) -> np.ndarray:
    """Weights of candidates added up by LLM.

    Args:
        weights: [Q, N] of `pick_weights`.
        llm: [Q, N] int index of each candidate's LLM; any value where the weight is 0.
        n_llms: how many LLMs there are.

    Returns:
        [Q, n_llms] float64.

    Raises:
        BadValue: an LLM index out of range under a weight > 0.
    """
    rows, columns = np.nonzero(weights)
    index = llm[rows, columns]
    if index.size and not (index.min() >= 0 and index.max() < n_llms):
        raise BadValue("llm", int(index.max()), f"indices from 0 to {n_llms - 1}")
    flat = np.bincount(
        rows * n_llms + index, weights=weights[rows, columns], minlength=len(weights) * n_llms
    )
    # bincount answers with integers where there is nothing to count.
    return flat.astype(np.float64, copy=False).reshape(len(weights), n_llms)


def best_llm_distribution(
    weights: np.ndarray,
    llm: np.ndarray,
    llms: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Share of the prompts on which each LLM has the pick; ties are split.

    With weights of the quality: how often each LLM is best by that measure; with weights of a
    ranker's scores: how often that ranker picks it. The shares sum to 1.

    Args:
        weights: [Q, N] of `pick_weights` with k = 1.
        llm: [Q, N] int index into `llms`.
        llms: names of the LLMs.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        An estimate for each name of `llms`, in its order; empty where no prompt has a pick.
    """
    shares = llm_weights(weights, llm, len(llms))
    shares = np.where((weights > 0).any(axis=1, keepdims=True), shares, np.nan)
    ratios = {name: Ratio.mean(shares[:, place]) for place, name in enumerate(llms)}
    if not np.isfinite(shares).any():
        return {}
    drawn = replicates(ratios, resamples, seed)
    return {name: estimate(ratio, drawn[name]) for name, ratio in ratios.items()}
