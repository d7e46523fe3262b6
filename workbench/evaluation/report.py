"""All figures of one system by one measure, with intervals over prompts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio
from workbench.evaluation.correlation import footrule, kendall, pearson, spearman
from workbench.evaluation.figures import (
    estimates,
    estimates_by_system,
    mean_figures,
    pooled_ratio,
)
from workbench.evaluation.measured import check_named, check_scores, measured
from workbench.evaluation.pairwise import pairwise_counts, position_counts
from workbench.evaluation.pick_measures import (
    at_least_as_good,
    pick_competition_rank,
    pick_in_top,
    pick_rank,
)
from workbench.evaluation.picks import pick_quality, pick_weights

FIGURES = {
    "quality": "mean quality of the pick",
    "gap_closed": "share of the gap from BestSingle to Oracle that is closed",
    "not_worse_than_best_single": "share of prompts where the pick is as good as BestSingle's",
    "not_worse_than": "share of prompts where the pick is as good as a named LLM's answer",
    "top3": "share of prompts where fewer than three candidates are better than the pick",
    "mean_rank": "mean rank of the pick by quality, 1 is best; ties share their mean rank",
    "competition_rank": "the same, ties share the best of their ranks: GPT-Rank by its scores",
    "pearson": "mean over prompts of Pearson's r of scores and quality",
    "spearman": "mean over prompts of Spearman's rank correlation",
    "footrule": "mean over prompts of Spearman's footrule, a distance: 0 is best",
    "kendall": "mean over prompts of Kendall's tau-b",
    "pairwise_accuracy": "share of all pairs of unequal quality that the scores order rightly",
    "pairwise_accuracy>": "the same share of pairs whose qualities differ by more than a gap",
    "vs_best_single": "mean quality of the pick minus that of BestSingle's",
    "vs_best_single_p": "two-sided bootstrap p-value of that difference",
}
"""Base names of the figures of a system; `not_worse_than` is written `not_worse_than[LLM]`, and
`pairwise_accuracy>` with its gap, `pairwise_accuracy>0.5`."""

POSITION_FIGURES = {
    "position_bias": "mean over pairs of (L_ij + L_ji) / 2, in logits; > 0 favours the left",
    "position_bias_abs": "mean over pairs of |L_ij + L_ji| / 2, in logits",
    "position_flips": "share of pairs whose verdict depends on the order",
}
"""Names of the figures of pair logits."""


def evaluate_systems(
    systems: Mapping[str, np.ndarray],
    quality: np.ndarray,
    mask: np.ndarray,
    *,
    best_single: np.ndarray,
    named: Mapping[str, np.ndarray] | None = None,
    min_gap: float | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """The figures of `FIGURES` for each system, by one measure, on the same samples of prompts.

    Candidates without a measured quality leave the pool: the pick is the best scored of the
    others. A prompt of which all scores are −inf is one that the system does not answer, such as
    an LLM without a candidate there: it counts in none of its figures. Prompts with fewer than
    two measured candidates have no top-3, rank, correlation or pairwise figure. A figure that no
    prompt defines (a correlation of constant scores, the gap of pools whose oracle is BestSingle)
    is not in the answer: nothing here is ever NaN.

    Args:
        systems: [Q, N] scores of each system by name, higher is better, finite inside the pool,
            or −inf throughout a prompt.
        quality: [Q, N], NaN where not measured.
        mask: [Q, N] bool.
        best_single: [Q, N] scores of BestSingle (`single_scores` of the validation means).
        named: for each LLM to compare with by name, [Q, N] bool: its candidates.
        min_gap: where given, the pairwise accuracy of clearly unequal pairs is told too.
        resamples: of the bootstrap.
        seed: of the bootstrap; the same seed pairs the samples of all systems.

    Returns:
        Estimates by system and figure, with 95 % intervals; that of the p-value is the p-value
        itself.

    Raises:
        BadValue: shapes that differ, scores inside the pool that are not finite.
    """
    pool, llms = measured(quality, mask), named or {}
    check_named(llms, pool)
    return estimates_by_system(
        systems,
        lambda name: _ratios(systems[name], quality, pool, best_single, llms, min_gap),
        len(pool) * len(FIGURES),
        resamples,
        seed,
    )


def evaluate_system(
    scores: np.ndarray, quality: np.ndarray, mask: np.ndarray, **options: Any
) -> dict[str, Estimate]:
    """The figures of one system; options and errors as of `evaluate_systems`."""
    return evaluate_systems({"it": scores}, quality, mask, **options).get("it", {})


def evaluate_position_bias(
    L: np.ndarray, mask: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Estimate]:
    """The figures of `POSITION_FIGURES` for pair logits [Q, N, N], pooled over pairs.

    Only pairs compared in both orders count; empty where there is none.

    Raises:
        BadValue: shapes that differ.
    """
    if L.shape != (*mask.shape, mask.shape[-1]):
        raise BadValue("shape of the pair logits", L.shape, f"[Q, N, N] for the mask {mask.shape}")
    *sums, pairs = position_counts(L, mask)
    ratios = {
        ("it", name): pooled_ratio(total, pairs)
        for name, total in zip(POSITION_FIGURES, sums, strict=True)
    }
    return estimates(ratios, resamples, seed).get("it", {})


def _ratios(
    scores: np.ndarray,
    quality: np.ndarray,
    pool: np.ndarray,
    best_single: np.ndarray,
    named: Mapping[str, np.ndarray],
    min_gap: float | None,
) -> dict[str, Ratio]:
    if scores.shape == pool.shape:
        pool = pool & ~np.isneginf(scores).all(axis=1, where=pool, keepdims=True)
    check_scores(scores, pool)
    return {
        **_pick_figures(scores, quality, pool, best_single, named),
        **_ranking_figures(scores, quality, pool, min_gap),
    }


def _pick_figures(
    scores: np.ndarray,
    quality: np.ndarray,
    pool: np.ndarray,
    best_single: np.ndarray,
    named: Mapping[str, np.ndarray],
) -> dict[str, Ratio]:
    weights, single = pick_weights(scores, pool), pick_weights(best_single, pool)
    picked, beside = pick_quality(weights, quality), pick_quality(single, quality)
    oracle = pick_quality(pick_weights(quality, pool), quality)
    against = {
        f"not_worse_than[{llm}]": pick_weights(np.where(theirs, 0.0, -1.0), pool & theirs)
        for llm, theirs in named.items()
    }
    against["not_worse_than_best_single"] = single
    return {
        **mean_figures(picked, beside, oracle),
        "top3": Ratio.mean(pick_in_top(weights, quality, pool, 3)),
        "mean_rank": Ratio.mean(pick_rank(weights, quality, pool)),
        "competition_rank": Ratio.mean(pick_competition_rank(weights, quality, pool)),
        **{
            name: Ratio.mean(at_least_as_good(weights, others, quality, pool))
            for name, others in against.items()
        },
    }


def _ranking_figures(
    scores: np.ndarray, quality: np.ndarray, pool: np.ndarray, min_gap: float | None
) -> dict[str, Ratio]:
    correlations = {
        "pearson": pearson,
        "spearman": spearman,
        "footrule": footrule,
        "kendall": kendall,
    }
    gaps = {"pairwise_accuracy": 0.0}
    if min_gap is not None:
        gaps[f"pairwise_accuracy>{min_gap:g}"] = min_gap
    return {
        **{
            name: Ratio.mean(correlation(scores, quality, pool))
            for name, correlation in correlations.items()
        },
        **{
            name: pooled_ratio(*pairwise_counts(scores, quality, pool, gap))
            for name, gap in gaps.items()
        },
    }
