"""What the terminal shows of fusions: does fusing help, by how much, and what does it cost?"""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from workbench import terminal
from workbench.stages.evaluation_cells import span, three
from workbench.stages.evaluation_parts import CATEGORY, WHOLE, Figures, by_part
from workbench.stages.fusion_names import (
    FusionSystem,
    common_settings,
    fusion_labels,
    is_fusion,
)
from workbench.stages.fusion_systems import RANDOM_K, TOP_1

Fusions = dict[str, Figures]
_COSTS = {
    "tokens_in": "tokens\nin",
    "tokens_out": "tokens\nout",
    "llm_calls": "LLM\ncalls",
    "comparisons": "compar-\nisons",
    "characters": "charac-\nters",
    "characters_of_pick": "of its\npick",
    "characters_of_reference": "of the\nreference",
}
_PICK = (
    "minus the pick: of the ranker and scheme that chose the candidates, on the same prompts; p of "
    "no difference, paired and two-sided; of random candidates, minus a random one."
)
_SHOWN = (
    "minus best shown: minus the best of the candidates that were fused, which only an oracle "
    "could pick. better: % of prompts on which the fusion is strictly better."
)
_OTHERS = (
    "minus random K: minus the fusion of as many candidates taken at random. minus K = 1: minus "
    "the fusion of the ranker's pick alone. By the same fuser and decoding."
)
_COST = (
    "Means over prompts. LLM calls: candidates that had to be there, all where a ranker chose. "
    "comparisons: presentations of pairs to the ranker. characters: of the fusion, of its ranker's "
    "pick and of the reference."
)


def fusion_pages(rows: Sequence[Any]) -> Iterator[Table]:
    """For each dataset and split with fusions: by each measure the fusions beside picks, beside
    what they were made of and beside each other; and once each category, and what they cost."""
    parts = {part: _fusions(systems) for part, systems in by_part(rows).items()}
    parts = {part: fusions for part, fusions in parts.items() if fusions}
    for place in dict.fromkeys(part[:2] for part in parts):
        measures = [part[3] for part in parts if part[:2] == place and part[2] == WHOLE]
        for measure in measures:
            fusions = parts[*place, WHOLE, measure]
            where = f"by {measure} on {', '.join(place)}"
            yield _pick_table(where, fusions)
            yield _shown_table(where, fusions)
            if any(_of(RANDOM_K) in f or _of(TOP_1) in f for f in fusions.values()):
                yield _others_table(where, fusions)
        first = measures[0]
        categories = {
            part[2].removeprefix(CATEGORY): fusions
            for part, fusions in parts.items()
            if part[:2] == place and part[2] != WHOLE and part[3] == first
        }
        if categories:
            yield _categories_table(f"by {first} on {', '.join(place)}", categories)
        yield _cost_table(", ".join(place), parts[*place, WHOLE, first])


def _fusions(systems: dict[str, Figures]) -> Fusions:
    names = [name for name in systems if is_fusion(name) and "quality" in systems[name]]
    return {
        name: systems[name]
        for name in sorted(names, key=lambda name: FusionSystem.parse(name).place)
    }


def _of(other: str) -> str:
    return f"vs_{other}"


def _pick_table(where: str, fusions: Fusions) -> Table:
    rows = [
        [label, span(told["quality"]), span(told.get("vs_pick")), three(told.get("vs_pick_p"))]
        for label, told in _labelled(fusions)
    ]
    prompts = max(told["quality"][3] for told in fusions.values())
    columns = ("fusion", "quality ↑", "minus the pick ↑", "p")
    shared = common_settings(fusions)
    caption = f"{_PICK} All: {shared}." if shared else _PICK
    return terminal.table(f"Fusion, {where}: {prompts} prompts", columns, rows, caption)


def _shown_table(where: str, fusions: Fusions) -> Table:
    rows = [
        [
            label,
            span(told.get("vs_best_shown")),
            *(_percent(told.get(f"better_than_{whom}")) for whom in ("pick", "best_shown")),
        ]
        for label, told in _labelled(fusions)
    ]
    columns = (
        "fusion",
        "minus best shown ↑",
        "% better\nthan pick ↑",
        "% better than\nbest shown ↑",
    )
    return terminal.table(f"Fusion and what it was made of, {where}", columns, rows, _SHOWN)


def _others_table(where: str, fusions: Fusions) -> Table:
    rows = [
        [label, span(told.get(_of(RANDOM_K))), span(told.get(_of(TOP_1)))]
        for label, told in _labelled(fusions)
    ]
    columns = ("fusion", "minus random K ↑", "minus K = 1 ↑")
    return terminal.table(f"Fusion beside other fusions, {where}", columns, rows, _OTHERS)


def _categories_table(where: str, categories: dict[str, Fusions]) -> Table:
    """Of one fusion that a ranker chose for, of the largest K; or where none is, of any."""
    known = next(iter(categories.values()))
    systems = [FusionSystem.parse(name) for name in known]
    shown = max(systems, key=lambda s: (not s.random, s.top_k)).name
    rows = [
        [
            category,
            fusions[shown]["quality"][3],
            three(fusions[shown].get("quality_of_pick")),
            three(fusions[shown]["quality"]),
            span(fusions[shown].get("vs_pick")),
        ]
        for category, fusions in sorted(categories.items())
        if shown in fusions
    ]
    columns = ("category", "prompts", "pick ↑", "fusion ↑", "difference ↑")
    label = fusion_labels(known)[shown]
    return terminal.table(f"Categories of the {label}, {where}", columns, rows)


def _cost_table(where: str, fusions: Fusions) -> Table:
    told = {cost: head for cost, head in _COSTS.items() if any(cost in f for f in fusions.values())}
    rows = [
        [label, *(_whole(figures.get(cost)) for cost in told)]
        for label, figures in _labelled(fusions)
    ]
    return terminal.table(f"Cost of a fusion, {where}", ("fusion", *told.values()), rows, _COST)


def _labelled(fusions: Fusions) -> Iterator[tuple[str, Figures]]:
    labels = fusion_labels(fusions)
    return ((labels[name], told) for name, told in fusions.items())


def _percent(estimate: Any) -> str | None:
    return None if estimate is None else f"{100 * estimate[0]:.1f}"


def _whole(estimate: Any) -> str | None:
    return None if estimate is None else f"{estimate[0]:,.1f}"
