"""Figures that routers have beside those of their choices, over all prompts of a split.

Ranks over categories, calibration, cost against quality, and strong against weak LLM.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from workbench.evaluation.bootstrap import Estimate
from workbench.evaluation.calibration import best_shares, min_max, reliability
from workbench.evaluation.cost_quality import evaluate_cost_quality, hull
from workbench.evaluation.picks import pick_quality
from workbench.evaluation.routing_figures import choice_cost
from workbench.evaluation.subset_ranks import evaluate_subsets
from workbench.stages.route_names import RouteSystem, is_route, router_system
from workbench.stages.route_rows import Figures, picks
from workbench.stages.route_systems import Routing
from workbench.stages.strong_weak_rows import strong_weak_figures
from workbench.stages.system_names import (
    BEST_SINGLE,
    ZERO_ROUTER,
    is_ranking,
    llm_system,
)
from workbench.stages.systems import Systems


def router_figures(systems: Systems, config: dict[str, Any]) -> Figures:
    """System -> figure -> estimate; empty where neither routes nor costs count.

    - of routes, rankings and the LLMs that answer every prompt `mtr` and `uplift`;
    - of each router by itself `calibration_error`;
    - of single LLMs `on_hull`, of `ZeroRouter` and each router `aiq`, of these `vs_zero_router`;
    - of each router, Random and Oracle those of `strong_weak_figures`.
    """
    routing = systems.routing
    if routing is None:
        return {}
    drawn = {"resamples": config["resamples"], "seed": config["seed"]}
    weights = picks(systems)
    quality = {name: pick_quality(own, systems.quality) for name, own in weights.items()}
    costs = {name: choice_cost(own, routing.costs) for name, own in weights.items()}
    parts = [_calibrations(systems, routing, drawn), _cost_quality(systems, quality, costs, drawn)]
    if any(map(is_route, weights)):
        parts.append(_subset_ranks(systems, quality, config["min_category"], drawn))
        parts.append(strong_weak_figures(systems, quality, config["against"] or (), drawn))
    found: Figures = {}
    for part in parts:
        for name, figures in part.items():
            found.setdefault(name, {}).update(figures)
    return found


def routers_in(names: Iterable[str]) -> dict[str, list[str]]:
    """Router -> its routes among these systems."""
    found = dict[str, list[str]]()
    for name in filter(is_route, names):
        found.setdefault(RouteSystem.parse(name).router, []).append(name)
    return found


def by_llm(values: np.ndarray, systems: Systems) -> np.ndarray:
    """[Q, L] mean of values [Q, N] over an LLM's measured candidates; NaN without any."""
    pool, known = systems.pool, np.isfinite(systems.quality) & systems.pool.mask
    found = np.full((len(values), len(pool.llms)), np.nan)
    for place in range(len(pool.llms)):
        own = known & (pool.llm == place)
        total = np.where(own, values, 0.0).sum(axis=1)
        count = own.sum(axis=1)
        found[:, place] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


def _subset_ranks(
    systems: Systems, quality: dict[str, np.ndarray], least: int, drawn: dict[str, int]
) -> Figures:
    """Mean task rank and %Uplift over the categories of enough prompts."""
    sizes = Counter(systems.pool.category)
    categories = [name if sizes[name] >= least else "" for name in systems.pool.category]
    ranked = {
        name: values
        for name, values in quality.items()
        if (is_route(name) or is_ranking(name) or name.startswith(llm_system("")))
        # An LLM that answers few prompts would leave the others few to be ranked on.
        and np.isfinite(values).all()
    }
    best = quality[BEST_SINGLE]
    found = evaluate_subsets(ranked, categories, best, **drawn)
    chosen = llm_system(systems.best_llm)
    if chosen in found:  # the same answers under another name, which is not ranked twice
        found[BEST_SINGLE] = found[chosen]
    return found


def _calibrations(systems: Systems, routing: Routing, drawn: dict[str, int]) -> Figures:
    """Shares of one are held against who is best, other utilities against the quality itself,
    both over their range where they are not between 0 and 1."""
    quality = by_llm(systems.quality, systems)
    found: Figures = {}
    for router in routers_in(systems.scores):
        told = routing.utilities[router]
        known = np.isfinite(told) & np.isfinite(quality)
        predicted = np.where(known, told, np.nan)
        observed = np.where(known, quality, np.nan)
        if router in routing.shares:
            observed = best_shares(observed)
        elif not all(_within(values[known]) for values in (predicted, observed)):
            predicted, observed = min_max(predicted), min_max(observed)
        if np.isfinite(observed).any():
            error = reliability(predicted, observed, **drawn).error
            found[router_system(router)] = {"calibration_error": error}
    return found


def _within(values: np.ndarray) -> bool:
    """Whether all lie between 0 and 1."""
    return bool(((values >= 0) & (values <= 1)).all())


def _cost_quality(
    systems: Systems,
    quality: dict[str, np.ndarray],
    costs: dict[str, np.ndarray],
    drawn: dict[str, int],
) -> Figures:
    """The hull of the LLMs that answer every prompt at a known cost, and what is beside it."""
    n, llms = len(systems.quality), [llm_system(name) for name in systems.pool.llms]
    whole = [
        name for name in llms if np.isfinite(costs[name]).all() and np.isfinite(quality[name]).all()
    ]
    cost = np.stack([costs[name] for name in whole], axis=1) if whole else np.zeros((n, 0))
    own = np.stack([quality[name] for name in whole], axis=1) if whole else np.zeros((n, 0))
    if len(whole) < 2 or not np.ptp(cost.mean(axis=0)) > 0:
        return {}
    corners = hull(cost.mean(axis=0), own.mean(axis=0)).points
    found: Figures = {whole[i]: {"on_hull": Estimate(1.0, 1.0, 1.0, n)} for i in corners}
    routes = {
        router: tuple(np.stack([of[name] for name in names], axis=1) for of in (costs, quality))
        for router, names in routers_in(quality).items()
    }
    # A router whose choices have no known cost would leave the others no prompt.
    priced = {
        router: (cost_of, quality_of)
        for router, (cost_of, quality_of) in routes.items()
        if np.isfinite(cost_of).all()
    }
    told = evaluate_cost_quality(priced, cost, own, **drawn)
    found[ZERO_ROUTER] = told.pop("zero_router")
    return found | {router_system(router): figures for router, figures in told.items()}
