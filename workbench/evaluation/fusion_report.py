"""All figures of a fusion by one measure: is it better than what it was made of, and than a pick?

A fusion is no candidate, so it is given by its quality, a number a prompt. What needs no more than
that is told as of any system (`report.py`), under the same names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.answer_measures import (
    answer_competition_rank,
    answer_in_top,
    answer_rank,
    chance_above,
)
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio
from workbench.evaluation.figures import estimates_by_system, mean_figures
from workbench.evaluation.measured import check_named, measured
from workbench.evaluation.picks import pick_quality, pick_weights

FUSION_FIGURES = {
    "quality": "mean quality",
    "gap_closed": "share of the gap from BestSingle to Oracle that is closed; it may exceed 1",
    "top3": "share of prompts where fewer than three candidates are better",
    "mean_rank": "mean of the place taken among the candidates by quality, 1 is best",
    "competition_rank": "mean of one more than the candidates that are better (GPT-Rank)",
    "not_worse_than": "share of prompts where it is as good as a named LLM's answer",
    "better_than": "share of prompts where it is better than a named LLM's answer",
    "vs_best_single": "mean quality minus that of BestSingle's answer",
    "vs_best_single_p": "two-sided bootstrap p-value of that difference",
    "better_than_best_single": "share of prompts where it is better than BestSingle's answer",
    "not_worse_than_best_single": "share of prompts where it is as good as BestSingle's answer",
    "quality_of_pick": "mean quality of the pick of the ranker that chose what it was made of",
    "vs_pick": "mean quality minus that of the ranker's pick",
    "vs_pick_p": "two-sided bootstrap p-value of that difference",
    "better_than_pick": "share of prompts where it is better than the ranker's pick",
    "not_worse_than_pick": "share of prompts where it is as good as the ranker's pick",
    "quality_of_best_shown": "mean quality of the best of the candidates that it was made of",
    "vs_best_shown": "mean quality minus that of the best of these",
    "vs_best_shown_p": "two-sided bootstrap p-value of that difference",
    "better_than_best_shown": "share of prompts where it is better than all of these",
    "not_worse_than_best_shown": "share of prompts where it is as good as the best of these",
}
"""Base names of the figures of a fusion; `better_than` and `not_worse_than` are written with an
LLM, `better_than[LLM]`. Of each other answer that it is compared with there are `vs_NAME` and
`vs_NAME_p`; each cost has its own name."""


@dataclass(frozen=True)
class Fused:
    """What a fuser made of some candidates of each prompt, by one measure.

    Attributes:
        quality: [Q], NaN where there is no fusion or it was not measured.
        shown: [Q, N] bool: the candidates that it was made of.
        scores: [Q, N] of the ranker that chose these; a prompt where one inside the pool is not
            finite has no pick. None: there is no such ranker.
        others: what it is compared with: name -> [Q] quality of another answer.
        costs: name -> [Q], NaN where unknown.
    """

    quality: np.ndarray
    shown: np.ndarray
    scores: np.ndarray | None = None
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    costs: Mapping[str, np.ndarray] = field(default_factory=dict)

    def subset(self, prompts: np.ndarray) -> "Fused":
        """The same on the prompts chosen by a bool [Q] or an index array."""
        return replace(
            self,
            quality=self.quality[prompts],
            shown=self.shown[prompts],
            scores=None if self.scores is None else self.scores[prompts],
            others={name: values[prompts] for name, values in self.others.items()},
            costs={name: values[prompts] for name, values in self.costs.items()},
        )


def evaluate_fusions(
    fusions: Mapping[str, Fused],
    quality: np.ndarray,
    mask: np.ndarray,
    *,
    best_single: np.ndarray,
    named: Mapping[str, np.ndarray] | None = None,
    length: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """The figures of `FUSION_FIGURES` for each fusion, on the same samples of prompts.

    Candidates without a measured quality leave the pool, as in `evaluate_systems`; with the same
    prompts and seed the samples are the same as there. A figure that no prompt defines is not in
    the answer.

    Args:
        fusions: by name.
        quality: [Q, N] of the candidates, NaN where not measured.
        mask: [Q, N] bool.
        best_single: [Q, N] scores of BestSingle.
        named: for each LLM to compare with by name, [Q, N] bool: its candidates.
        length: [Q, N] characters of the candidates; given, there is a cost `characters_of_pick`.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        Estimates by fusion and figure, with 95 % intervals; that of a p-value is itself.

    Raises:
        BadValue: shapes that differ, or scores of BestSingle that are not finite in the pool.
    """
    pool, llms = measured(quality, mask), named or {}
    check_named(llms, pool)
    for name, fusion in fusions.items():
        _check(name, fusion, pool)
    single = pick_weights(best_single, pool)
    oracle = pick_quality(pick_weights(quality, pool), quality)
    against = {
        f"than[{llm}]": pick_weights(np.zeros(pool.shape), pool & theirs)
        for llm, theirs in llms.items()
    }

    def ratios(name: str) -> dict[str, Ratio]:
        fusion = fusions[name]
        pick = _pick(fusion.scores, pool)
        shown = pick_weights(quality, pool & fusion.shown)
        beside = against | {"than_best_single": single, "than_pick": pick, "than_best_shown": shown}
        return {
            **_among(fusion.quality, quality, pool, pick_quality(single, quality), oracle),
            **_differences(fusion, pick_quality(pick, quality), pick_quality(shown, quality)),
            **_shares(fusion.quality, beside, quality),
            **{cost: Ratio.mean(values) for cost, values in fusion.costs.items()},
            **({} if length is None else _length_of_pick(pick, length, fusion.quality)),
        }

    cells = len(pool) * (len(FUSION_FIGURES) + 2 * len(llms))
    return estimates_by_system(fusions, ratios, cells, resamples, seed)


def _check(name: str, fusion: Fused, pool: np.ndarray) -> None:
    vectors = {"quality": fusion.quality, **fusion.others, **fusion.costs}
    wide = {"shown": fusion.shown} | ({} if fusion.scores is None else {"scores": fusion.scores})
    for arrays, shape in ((vectors, pool.shape[:1]), (wide, pool.shape)):
        for what, array in arrays.items():
            if array.shape != shape:
                raise BadValue(f"shape of {what} of '{name}'", array.shape, str(shape))


def _pick(scores: np.ndarray | None, pool: np.ndarray) -> np.ndarray:
    """[Q, N] weights of the ranker's pick, none in prompts that it has not ranked."""
    if scores is None:
        return np.zeros(pool.shape)
    ranked = (np.isfinite(scores) | ~pool).all(axis=1, keepdims=True)
    return pick_weights(np.where(ranked, scores, 0.0), pool & ranked)


def _among(
    values: np.ndarray,
    quality: np.ndarray,
    pool: np.ndarray,
    single: np.ndarray,
    oracle: np.ndarray,
) -> dict[str, Ratio]:
    return {
        **mean_figures(values, single, oracle),
        "top3": Ratio.mean(answer_in_top(values, quality, pool, 3)),
        "mean_rank": Ratio.mean(answer_rank(values, quality, pool)),
        "competition_rank": Ratio.mean(answer_competition_rank(values, quality, pool)),
    }


def _differences(fusion: Fused, picked: np.ndarray, shown: np.ndarray) -> dict[str, Ratio]:
    """To other answers to the same prompts, each beside the mean of these."""
    known = np.where(np.isfinite(fusion.quality), 0.0, np.nan)
    return {
        "quality_of_pick": Ratio.mean(picked + known),
        "quality_of_best_shown": Ratio.mean(shown + known),
        "vs_pick": Ratio.mean(fusion.quality - picked),
        "vs_best_shown": Ratio.mean(fusion.quality - shown),
        **{f"vs_{name}": Ratio.mean(fusion.quality - o) for name, o in fusion.others.items()},
    }


def _shares(
    values: np.ndarray, beside: Mapping[str, np.ndarray], quality: np.ndarray
) -> dict[str, Ratio]:
    """Of prompts won against each pick, and of those not lost."""
    kinds: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "better": lambda weights: chance_above(values, weights, quality),
        "not_worse": lambda weights: chance_above(values, weights, quality, ties=True),
    }
    return {
        f"{kind}_{whom}": Ratio.mean(share(weights))
        for whom, weights in beside.items()
        for kind, share in kinds.items()
    }


def _length_of_pick(pick: np.ndarray, length: np.ndarray, values: np.ndarray) -> dict[str, Ratio]:
    characters = pick_quality(pick, length.astype(np.float64))
    return {"characters_of_pick": Ratio.mean(np.where(np.isfinite(values), characters, np.nan))}
