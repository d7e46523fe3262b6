"""Figures of routing between a strong and a weak LLM, of those pairs that are of interest."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench import terminal
from workbench.evaluation.bootstrap import Estimate, Ratio
from workbench.evaluation.figures import estimates
from workbench.evaluation.strong_weak import (
    evaluate_strong_weak,
    pgr_ratio,
    strong_weak_bounds,
    strong_weak_curve,
)
from workbench.routing.decisions import utility_gap
from workbench.routing.policies import Policy
from workbench.stages.route_names import RouteSystem, is_route, router_system
from workbench.stages.route_rows import Figures
from workbench.stages.system_names import ORACLE, RANDOM, llm_system
from workbench.stages.systems import Systems

SHARES = np.linspace(0.0, 1.0, 21)
"""At which the curve of PGR is kept."""
_BOUNDS = {"random": RANDOM, "oracle": ORACLE}


def pair_name(strong: str, weak: str) -> str:
    """What stands in the brackets of figures that are of a pair of LLMs."""
    return f"{strong}>{weak}"


def strong_weak_figures(
    systems: Systems,
    quality: Mapping[str, np.ndarray],
    against: Sequence[str],
    drawn: Mapping[str, int],
) -> Figures:
    """Of each router, by utility of the strong LLM less the weak one's, of Random and the Oracle
    `apgr[STRONG>WEAK]`, `cpt50[…]`, `cpt80[…]` and the curve, `pgr@0.05[…]`; of a route that
    chooses between the two `pgr[…]`.

    The pairs are those of threshold policies, that of the two LLMs that are named to compare with,
    and that of a pool of two, where BestSingle is the strong one. A pair whose strong LLM is no
    better on these prompts is told on the terminal and left out.

    Args:
        systems: with routes.
        quality: system -> [Q] of its picks.
        against: LLMs to compare with, the strong one first.
        drawn: options of the bootstrap.
    """
    found: Figures = {}
    for strong, weak in _pairs(systems, against):
        own = quality[llm_system(strong)], quality[llm_system(weak)]
        for name, figures in _of_pair(systems, (strong, weak), own, drawn).items():
            found.setdefault(name, {}).update(figures)
        for name, figures in _choices(systems, quality, strong, weak, drawn).items():
            found.setdefault(name, {}).update(figures)
    return found


def _pairs(systems: Systems, against: Sequence[str]) -> list[tuple[str, str]]:
    llms = systems.pool.llms
    pairs = [pair for name in systems.scores if is_route(name) and (pair := _named(name))]
    if len(against) == 2:
        pairs.append((against[0], against[1]))
    if len(llms) == 2:
        [other] = [llm for llm in llms if llm != systems.best_llm]
        pairs.append((systems.best_llm, other))
    known = [pair for pair in pairs if pair[0] != pair[1] and set(pair) <= set(llms)]
    return list(dict.fromkeys(known))


def _named(route: str) -> tuple[str, str] | None:
    """The pair that a route's policy chooses between."""
    params = dict(Policy.parse(RouteSystem.parse(route).policy).params)
    return (str(params["strong"]), str(params["weak"])) if "strong" in params else None


def _of_pair(
    systems: Systems,
    pair: tuple[str, str],
    quality: tuple[np.ndarray, np.ndarray],
    drawn: Mapping[str, int],
) -> Figures:
    """The curves of one pair and their figures, from the quality [Q] of each of the two."""
    assert systems.routing is not None
    places = [systems.pool.llms.index(llm) for llm in pair]
    routers = dict.fromkeys(RouteSystem.parse(n).router for n in systems.scores if is_route(n))
    gaps = {
        router_system(router): utility_gap(systems.routing.utilities[router], *places)
        for router in routers
    }
    gaps = {name: gap for name, gap in gaps.items() if np.isfinite(gap).any()}
    whole = np.logical_and.reduce(
        [np.isfinite(quality[0] + quality[1]), *map(np.isfinite, gaps.values())]
    )
    if not gaps or not whole.any():
        return {}
    qualities = quality[0][whole], quality[1][whole]
    if not (qualities[0] - qualities[1]).sum() > 0:
        terminal.say(f"{pair[0]} is no better than {pair[1]} here: its calls have nothing to gain")
        return {}
    bounds = strong_weak_bounds(*qualities)
    scores = {name: gap[whole] for name, gap in gaps.items()}
    scores |= {_BOUNDS[name]: score for name, score in bounds.items()}
    told = evaluate_strong_weak(
        scores, *qualities, resamples=drawn["resamples"], seed=drawn["seed"]
    )
    name_of_pair, n = pair_name(*pair), int(whole.sum())
    found: Figures = {}
    for name, score in scores.items():
        curve = strong_weak_curve(score, *qualities)
        points = np.interp(SHARES, curve.share, curve.pgr).tolist()
        found[name] = {f"{figure}[{name_of_pair}]": e for figure, e in told[name].items()} | {
            f"pgr@{share:.2f}[{name_of_pair}]": Estimate(point, point, point, n)
            for share, point in zip(SHARES, points, strict=True)
        }
    return found


def _choices(
    systems: Systems,
    quality: Mapping[str, np.ndarray],
    strong: str,
    weak: str,
    drawn: Mapping[str, int],
) -> Figures:
    """PGR of the routes that choose between the two."""
    names = [
        name
        for name in systems.scores
        if is_route(name) and (len(systems.pool.llms) == 2 or _named(name) == (strong, weak))
    ]
    own = [quality[llm_system(llm)] for llm in (strong, weak)]
    ratios: dict[tuple[str, str], Ratio] = {
        (name, f"pgr[{pair_name(strong, weak)}]"): pgr_ratio(quality[name], *own) for name in names
    }
    return estimates(ratios, drawn["resamples"], drawn["seed"])
