"""Figures of choices, which every system makes: what they cost, how often they are right."""

import numpy as np

from workbench.evaluation.arena import arena_score
from workbench.evaluation.bootstrap import Estimate, Ratio, replicates, with_interval
from workbench.evaluation.distribution import llm_weights
from workbench.evaluation.figures import estimates_by_system
from workbench.evaluation.measured import measured
from workbench.evaluation.picks import pick_quality, pick_weights
from workbench.evaluation.routing_figures import choice_cost, choice_ratios, evaluate_routes
from workbench.stages.route_names import is_route
from workbench.stages.route_systems import Routing
from workbench.stages.system_names import BEST_SINGLE, CHEAPEST, ORACLE, RANDOM
from workbench.stages.systems import Systems

Figures = dict[str, dict[str, Estimate]]
"""System -> figure -> estimate."""
_BESIDE = (ORACLE, BEST_SINGLE, CHEAPEST, RANDOM)
_PER_THOUSAND = 1000  # the arena score takes USD for 1,000 queries


def cost_figure(unit: str) -> str:
    """Name of the mean cost of a choice, with its unit."""
    return f"cost[{unit}]"


def choice_figures(systems: Systems, *, resamples: int, seed: int) -> Figures:
    """Of each system `cost[UNIT]` and `cost_known` of its picks, `accuracy`, how often these are a
    best LLM's, and, in USD, `arena`, the arena score; of routes and what stands beside them
    `entropy`.

    The cost is that of the answer which is picked; what it takes to pick is not in it.
    """
    routing = systems.routing
    if routing is None:
        return {}
    weights = picks(systems)
    found = estimates_by_system(
        weights,
        lambda name: _ratios(systems, routing, weights[name]),
        3 * len(systems.quality),
        resamples,
        seed,
    )
    chosen = {
        name: llm_weights(own, systems.pool.llm, len(systems.pool.llms))
        for name, own in weights.items()
        if is_route(name) or name in _BESIDE
    }
    llms = systems.pool.llms
    for name, figures in evaluate_routes(chosen, llms, resamples=resamples, seed=seed).items():
        found.setdefault(name, {})["entropy"] = figures["entropy"]
    if routing.unit == "usd":
        for name, arena in _arenas(systems, routing, weights, resamples, seed).items():
            found[name]["arena"] = arena
    return found


def picks(systems: Systems) -> dict[str, np.ndarray]:
    """System -> [Q, N] weights of its picks among measured candidates; 0 where it answers none."""
    pool = measured(systems.quality, systems.pool.mask)
    return {
        name: pick_weights(
            scores, pool & ~np.isneginf(scores).all(axis=1, where=pool, keepdims=True)
        )
        for name, scores in systems.scores.items()
    }


def _ratios(systems: Systems, routing: Routing, weights: np.ndarray) -> dict[str, Ratio]:
    quality = np.where(systems.pool.mask, systems.quality, np.nan)
    found = choice_ratios(weights, quality, routing.costs)
    return {cost_figure(routing.unit): found.pop("cost"), **found}


def _arenas(
    systems: Systems, routing: Routing, weights: dict[str, np.ndarray], resamples: int, seed: int
) -> dict[str, Estimate]:
    """Of the systems with a known cost, over the prompts on which it is known; none where
    qualities are not between 0 and 1."""
    known = systems.quality[measured(systems.quality, systems.pool.mask)]
    if known.min() < 0 or known.max() > 1:
        return {}
    ratios = dict[tuple[str, str], Ratio]()
    for name, own in weights.items():
        cost = choice_cost(own, routing.costs) * _PER_THOUSAND
        quality = pick_quality(own, systems.quality)
        if np.isfinite(cost).any():
            ratios[name, "cost"] = Ratio.mean(cost)
            ratios[name, "quality"] = Ratio.mean(np.where(np.isfinite(cost), quality, np.nan))
    drawn = replicates(ratios, resamples, seed)
    found = dict[str, Estimate]()
    for name in dict.fromkeys(name for name, _ in ratios):
        both = (
            np.append(ratios[name, figure].value, drawn[name, figure])
            for figure in ("quality", "cost")
        )
        quality, cost = both
        # Rounding may carry the mean of numbers up to 1 beyond 1, or a cost of 0 below it.
        scores = arena_score(np.clip(quality, 0.0, 1.0), np.maximum(cost, 0.0))
        n = int(ratios[name, "cost"].valid.sum())
        found[name] = with_interval(float(scores[0]), n, scores[1:])
    return found
