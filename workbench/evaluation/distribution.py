"""Which LLM is best how often: no LLM is best everywhere."""

from collections.abc import Mapping, Sequence

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


def best_llm_distributions(
    picks: Mapping[str, np.ndarray],
    llm: np.ndarray,
    llms: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """Share of the prompts on which each LLM has the pick, by whom picks; ties are split.

    With weights of the quality: how often each LLM is best by that measure; with weights of a
    ranker's scores: how often that ranker picks it. The shares sum to 1.

    Args:
        picks: name of whom picks -> [Q, N] of `pick_weights` with k = 1.
        llm: [Q, N] int index into `llms`.
        llms: names of the LLMs.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        For each of `picks` an estimate for each name of `llms`, in its order; empty where no
        prompt has a pick.
    """
    ratios = dict[tuple[str, str], Ratio]()
    for who, weights in picks.items():
        some = (weights > 0).any(axis=1, keepdims=True)
        shares = np.where(some, llm_weights(weights, llm, len(llms)), np.nan)
        if some.any():
            ratios |= {(who, name): Ratio.mean(shares[:, i]) for i, name in enumerate(llms)}
    drawn = replicates(ratios, resamples, seed)
    found: dict[str, dict[str, Estimate]] = {who: {} for who in picks}
    for (who, name), ratio in ratios.items():
        found[who][name] = estimate(ratio, drawn[who, name])
    return found


def best_llm_distribution(
    weights: np.ndarray, llm: np.ndarray, llms: Sequence[str], **options: int
) -> dict[str, Estimate]:
    """The distribution of one system's picks; arguments as of `best_llm_distributions`."""
    return best_llm_distributions({"it": weights}, llm, llms, **options)["it"]
