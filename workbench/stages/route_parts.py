"""Figures of routes as tables and plots read them: costs with their unit, pairs, the order."""

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.stages.evaluation_parts import Figures
from workbench.stages.fusion_names import FusionSystem, is_fusion
from workbench.stages.route_names import RouteSystem, is_route
from workbench.stages.system_names import (
    BEST_SINGLE,
    CHEAPEST,
    LONGEST,
    ORACLE,
    RANDOM,
    is_ranking,
)

_COST, _APGR = "cost[", "apgr["
_UNITS = {
    "usd": "USD",
    "tokens": "tokens",
    "calls": "calls of an LLM",
    "parameters": "billions of parameters",
}
_BESIDE = (BEST_SINGLE, CHEAPEST, LONGEST, RANDOM)


def cost_unit(systems: Mapping[str, Figures]) -> str | None:
    """The unit of the costs of these systems; None: no cost is told, or none is known."""
    for figures in systems.values():
        for name in figures:
            if name.startswith(_COST):
                return name.removeprefix(_COST).removesuffix("]")
    return None


def shown_units(unit: str | None) -> str:
    """A unit for people."""
    return _UNITS.get(unit or "", unit or "")


def cost_of(figures: Figures) -> Any:
    """The estimate of a system's mean cost; None where it is not known."""
    return next((told for name, told in figures.items() if name.startswith(_COST)), None)


def pairs(systems: Mapping[str, Figures]) -> list[str]:
    """`STRONG>WEAK` of the pairs of LLMs with a curve."""
    return list(
        dict.fromkeys(
            name.removeprefix(_APGR).removesuffix("]")
            for figures in systems.values()
            for name in figures
            if name.startswith(_APGR)
        )
    )


def in_order(systems: Iterable[str]) -> list[str]:
    """Oracle, rankings, fusions, routes, then what all must beat; not single LLMs and routers."""
    known = {ORACLE: 0, **{name: 4 + place for place, name in enumerate(_BESIDE)}}

    def place(system: str) -> tuple[int, Any]:
        if is_fusion(system):
            return 2, FusionSystem.parse(system).place
        if is_route(system):
            return 3, RouteSystem.parse(system)
        return known.get(system, 1), system

    told = [n for n in systems if n in known or is_fusion(n) or is_route(n) or is_ranking(n)]
    return sorted(told, key=place)
