"""The systems that an evaluation compares, as scores over one dataset, split and measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from workbench.errors import MissingInput
from workbench.evaluation.baselines import (
    best_single,
    longest_scores,
    oracle_scores,
    random_scores,
    single_scores,
)
from workbench.evaluation.fusion_report import Fused
from workbench.stages.fusion_names import FusionSystem
from workbench.stages.fusion_systems import Scores, load_fusions
from workbench.stages.held import held_by_all
from workbench.stages.route_names import RouteSystem
from workbench.stages.route_systems import Routing, cheapest_scores, load_routing
from workbench.stages.system_names import (
    BEST_SINGLE,
    CHEAPEST,
    LONGEST,
    ORACLE,
    RANDOM,
    llm_system,
    ranker_system,
)
from workbench.store.pool import Pool, load_pool, load_quality, load_scores
from workbench.store.store import Store

Rankings = list[tuple[str, str]]
"""Pairs of a ranker and a scheme."""


@dataclass(frozen=True)
class Systems:
    """What is compared, on prompts that every system has an opinion on.

    Attributes:
        pool, quality: the prompts, and [Q, N] quality by the measure.
        scores: name of a system -> [Q, N]; −inf throughout a prompt that it does not answer.
        best_single: [Q, N] scores of BestSingle, chosen on validation.
        best_llm: its name.
        fusions: name of a system of fusions -> what it made of each prompt.
        routing: what routers say of the prompts, and what candidates cost; None: neither counts.
    """

    pool: Pool
    quality: np.ndarray
    scores: dict[str, np.ndarray]
    best_single: np.ndarray
    best_llm: str
    fusions: dict[str, Fused]
    routing: Routing | None = None

    def subset(self, prompts: np.ndarray) -> "Systems":
        """The same systems on the prompts chosen by a bool [Q]."""
        return Systems(
            self.pool.subset(prompts),
            self.quality[prompts],
            {name: scores[prompts] for name, scores in self.scores.items()},
            self.best_single[prompts],
            self.best_llm,
            {name: fused.subset(prompts) for name, fused in self.fusions.items()},
            self.routing and self.routing.subset(prompts),
        )


def gather(
    store: Store,
    dataset: str,
    split: str,
    measure: str,
    rankings: Rankings,
    fusions: Sequence[FusionSystem] = (),
    routes: Sequence[RouteSystem] = (),
    cost: str | None = None,
) -> Systems | None:
    """The systems on one dataset and split; None where nothing there is measured so.

    Rankings, fusions and routes that hold no prompt of the split are left out; of the others only
    prompts that all have ranked, routed, and fused with a measured result, are kept, so that every
    comparison is paired. Both are told on the terminal. Costs count where their unit is given.

    Raises:
        MissingInput: the validation split, on which BestSingle is chosen, has no such quality; or
            no prompt is held by all.
    """
    pool = _pool(store, dataset, split)
    if pool is None:
        return None
    quality = load_quality(store, pool, measure)
    wanted = (pool.mask & np.isfinite(quality)).any(axis=1)
    if not wanted.any():
        return None
    means, best = _chosen_on_validation(store, dataset, measure, pool.llms)
    ranked = _ranked(store, pool, rankings)
    fused = load_fusions(store, pool, measure, fusions, _scores_from(store, pool, ranked))
    routing = load_routing(store, dataset, pool, routes, cost) if cost else None
    held = _held(ranked) | {name: np.isfinite(f.quality) for name, f in fused.items()}
    held |= routing.held(pool.mask & np.isfinite(quality)) if routing else {}
    used, kept = held_by_all(held, wanted, f"{dataset}, {split}, {measure}", "measured")
    single = single_scores(means, pool.llm, pool.mask)
    scores = {
        ORACLE: oracle_scores(quality, pool.mask),
        **{name: scores for name, scores in ranked.items() if name in used},
        **_routed(routing, means, pool, used),
        BEST_SINGLE: single,
        **({LONGEST: longest_scores(pool.length, pool.mask)} if pool.length.any() else {}),
        RANDOM: random_scores(pool.mask),
        **{
            llm_system(name): _llm_scores(means, i, pool, np.isfinite(quality))
            for i, name in enumerate(pool.llms)
        },
    }
    fused = {name: f for name, f in fused.items() if name in used}
    every = Systems(pool, quality, scores, single, pool.llms[best], fused, routing)
    return every.subset(kept)


def _routed(
    routing: Routing | None, means: np.ndarray, pool: Pool, used: set[str]
) -> dict[str, np.ndarray]:
    """Scores [Q, N] of the routes, and of the cheapest LLM where costs are known."""
    if routing is None:
        return {}
    found = {name: scores for name, scores in routing.filled(pool).items() if name in used}
    cheapest = cheapest_scores(routing.usual, means, pool)
    return found if cheapest is None else found | {CHEAPEST: cheapest}


def ranked_by_all(
    store: Store, pool: Pool, wanted: np.ndarray, rankings: Rankings, place: str, what: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Scores [Q, N] of the rankings that hold any wanted prompt, and [Q] the wanted ones that all
    of these hold. What is lost by that is told on the terminal: of `what` prompts of `place`.

    Raises:
        MissingInput: no prompt is ranked by all.
    """
    ranked = _ranked(store, pool, rankings)
    used, kept = held_by_all(_held(ranked), wanted, place, what)
    return {name: scores for name, scores in ranked.items() if name in used}, kept


def _ranked(store: Store, pool: Pool, rankings: Rankings) -> dict[str, np.ndarray]:
    return {ranker_system(*r): load_scores(store, pool, *r) for r in rankings}


def _held(ranked: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """[Q] bool for each ranking: the prompts that it holds."""
    return {name: ~np.isnan(scores).any(axis=1) for name, scores in ranked.items()}


def _scores_from(store: Store, pool: Pool, ranked: dict[str, np.ndarray]) -> Scores:
    """Gives the scores of any ranking, loaded once."""

    @cache
    def scores(ranker: str, scheme: str) -> np.ndarray:
        known = ranked.get(ranker_system(ranker, scheme))
        return load_scores(store, pool, ranker, scheme) if known is None else known

    return scores


def _pool(store: Store, dataset: str, split: str) -> Pool | None:
    rows = store.query(
        "select count(*) n from prompts where dataset = ? and split = ?", [dataset, split]
    )
    return load_pool(store, [dataset], split) if rows["n"][0].as_py() else None


def _chosen_on_validation(
    store: Store, dataset: str, measure: str, llms: list[str]
) -> tuple[np.ndarray, int]:
    """Mean quality on validation of each of `llms` (NaN: too few prompts), and the best's index."""
    means = _validation_means(store, dataset, measure, llms)
    if means is None:
        raise MissingInput(
            f"{dataset} has no validation prompt measured by {measure}: BestSingle is chosen there"
        )
    if not np.isfinite(means).any():
        raise MissingInput(
            f"none of {', '.join(llms)} has a validation prompt of {dataset} measured by "
            f"{measure}: BestSingle is chosen there"
        )
    return means, int(np.nanargmax(means))


def _validation_means(
    store: Store, dataset: str, measure: str, llms: list[str]
) -> np.ndarray | None:
    """Mean quality on validation of each of `llms`, NaN where it has none or too few prompts;
    None where no prompt of validation is measured."""
    pool = _pool(store, dataset, "validation")
    quality = load_quality(store, pool, measure) if pool else None
    if pool is None or quality is None or not np.isfinite(quality[pool.mask]).any():
        return None
    # An LLM that is not among those to choose from has no say in how many prompts are enough.
    choosable = pool.mask & np.isin(np.array([*pool.llms, ""])[pool.llm], llms)
    if not np.isfinite(quality[choosable]).any():
        return np.full(len(llms), np.nan)
    values, _ = best_single(quality, pool.llm, choosable, len(pool.llms))
    by_name = dict(zip(pool.llms, values, strict=True))
    return np.array([by_name.get(name, np.nan) for name in llms])


def best_single_scores(store: Store, dataset: str, measure: str, pool: Pool) -> np.ndarray | None:
    """Scores [Q, N] of BestSingle by a measure; None where validation cannot choose it."""
    means = _validation_means(store, dataset, measure, pool.llms)
    if means is None or not np.isfinite(means).any():
        return None
    return single_scores(means, pool.llm, pool.mask)


def _llm_scores(means: np.ndarray, llm: int, pool: Pool, known: np.ndarray) -> np.ndarray:
    """[Q, N] scores of 'always this LLM': it comes first, the others as BestSingle has them.

    Only where it has a measured candidate; elsewhere −inf, for no other LLM answers in its name.
    """
    first = np.where(np.isfinite(means), means, np.nanmin(means) - 1.0)
    first[llm] = np.nanmax(means) + 1.0
    answers = (pool.mask & known & (pool.llm == llm)).any(axis=1, keepdims=True)
    return np.where(answers, single_scores(first, pool.llm, pool.mask), -np.inf)
