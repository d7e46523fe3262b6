"""Rankers and fusers by their labels in what a person reads; the store keeps their ids."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from workbench.stages.fusion_names import FusionSystem, is_fusion
from workbench.stages.rankers import short


def names(labels: Mapping[str, str]) -> dict[str, str]:
    """Ranker or fuser -> its label, with the beginning of its id where another has the same."""
    count = Counter(labels.values())
    return {
        ranker: label if count[label] == 1 else f"{label} {short(ranker)}"
        for ranker, label in labels.items()
    }


def named(rows: Sequence[Any], labels: Mapping[str, str]) -> list[Any]:
    """Rows of `results` in which rankers and fusers with a label are called by it."""
    called = names(labels)

    @cache
    def renamed(text: str) -> str:
        if is_fusion(text):
            system = FusionSystem.parse(text)
            fuser, ranker = (called.get(id, id) for id in (system.fuser, system.ranker))
            return replace(system, fuser=fuser, ranker=ranker).name
        # A system or a measure names at most one ranker, before or behind a mark.
        before, mark, behind = text.partition("picked_share:")
        ranker, slash, scheme = (behind if mark else before).partition("/")
        if ranker not in called:
            return text
        return f"{mark}{called[ranker]}{slash}{scheme}"

    return [(renamed(row[0]), *row[1:4], renamed(row[4]), *row[5:]) for row in rows]
