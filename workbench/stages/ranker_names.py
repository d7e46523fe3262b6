"""Rankers by their labels in what a person reads; tables of the store keep their ids."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.stages.rankers import short


def names(labels: Mapping[str, str]) -> dict[str, str]:
    """Ranker -> its label, with the beginning of its id where another has the same label."""
    count = Counter(labels.values())
    return {
        ranker: label if count[label] == 1 else f"{label} {short(ranker)}"
        for ranker, label in labels.items()
    }


def named(rows: Sequence[Any], labels: Mapping[str, str]) -> list[Any]:
    """Rows of `results` in which rankers with a label are called by it."""
    called = names(labels)

    def renamed(text: str) -> str:
        # A system or a measure names at most one ranker, before or behind a mark.
        before, mark, behind = text.partition("picked_share:")
        ranker, slash, scheme = (behind if mark else before).partition("/")
        if ranker not in called:
            return text
        return f"{mark}{called[ranker]}{slash}{scheme}"

    return [(renamed(row[0]), *row[1:4], renamed(row[4]), *row[5:]) for row in rows]
