"""Rankers, fusers and routers by their labels in what a person reads; the store keeps their ids."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from workbench.stages.fusion_names import FusionSystem, is_fusion
from workbench.stages.rankers import short
from workbench.stages.route_names import ROUTER, RouteSystem, is_route, router_system


def names(labels: Mapping[str, str]) -> dict[str, str]:
    """Ranker, fuser or router -> its label, with the beginning of its id where others have it."""
    count = Counter(labels.values())
    return {
        ranker: label if count[label] == 1 else f"{label} {short(ranker)}"
        for ranker, label in labels.items()
    }


def named(rows: Sequence[Any], labels: Mapping[str, str]) -> list[Any]:
    """Rows of `results` in which rankers, fusers and routers with a label are called by it."""
    called = names(labels)

    @cache
    def renamed(text: str) -> str:
        if is_fusion(text):
            system = FusionSystem.parse(text)
            fuser, ranker = (called.get(id, id) for id in (system.fuser, system.ranker))
            return replace(system, fuser=fuser, ranker=ranker).name
        # A system or a measure names at most one ranker or route, before or behind a mark.
        before, mark, behind = text.partition("picked_share:")
        if is_route(behind if mark else before):
            route = RouteSystem.parse(behind if mark else before)
            return mark + replace(route, router=called.get(route.router, route.router)).name
        if text.startswith(ROUTER):
            id = text.removeprefix(ROUTER)
            return router_system(called.get(id, id))
        ranker, slash, scheme = (behind if mark else before).partition("/")
        if ranker not in called:
            return text
        return f"{mark}{called[ranker]}{slash}{scheme}"

    return [(renamed(row[0]), *row[1:4], renamed(row[4]), *row[5:]) for row in rows]
