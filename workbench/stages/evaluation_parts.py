"""Rows of `results` sorted for those who show them: tables and plots."""

from collections.abc import Sequence
from typing import Any

from workbench.evaluation.verdict_report import VERDICT_FIGURES

WHOLE, CATEGORY = "all", "category="

Part = tuple[str, str, str, str]
"""Dataset, split, slice, quality measure."""
Figures = dict[str, Any]
"""Figure -> (value, low, high, n)."""


def by_part(rows: Sequence[Any]) -> dict[Part, dict[str, Figures]]:
    """Part -> system -> figures, in the order of the rows."""
    found: dict[Part, dict[str, Figures]] = {}
    for system, dataset, split, part, measure, *estimate in rows:
        figure, colon, quality = _divided(measure)
        if colon and figure != "picked_share" and not of_verdicts(measure):
            place = found.setdefault((dataset, split, part, quality), {})
            place.setdefault(system, {})[figure] = estimate
    return found


def picked(rows: Sequence[Any]) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    """(dataset, split) -> ranking -> LLM -> share of prompts on which it is picked."""
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for system, dataset, split, part, measure, value, *_ in rows:
        figure, _, ranking = measure.partition(":")
        if part == WHOLE and figure == "picked_share":
            found.setdefault((dataset, split), {}).setdefault(ranking, {})[system] = value
    return found


def biases(rows: Sequence[Any]) -> dict[tuple[str, str], dict[str, Figures]]:
    """(dataset, split) -> ranker -> figures of its position bias."""
    found: dict[tuple[str, str], dict[str, Figures]] = {}
    for system, dataset, split, part, measure, *estimate in rows:
        if part == WHOLE and measure.startswith("position_"):
            found.setdefault((dataset, split), {}).setdefault(system, {})[measure] = estimate
    return found


def _divided(measure: str) -> tuple[str, str, str]:
    """Figure, colon, quality measure; the name of an LLM in the figure's brackets may hold one."""
    head, bracket, rest = measure.partition("[")
    if bracket and ":" not in head and "]:" in rest:
        inside, _, quality = rest.partition("]:")
        return f"{head}[{inside}]", ":", quality
    return measure.partition(":")


def of_verdicts(measure: str) -> bool:
    """Whether a row tells of verdicts; a judge's name in brackets may hold a colon."""
    return measure.partition("[")[0] in VERDICT_FIGURES
