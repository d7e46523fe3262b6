"""Plots of fusions, for MLflow: quality against the number of candidates that were fused."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING, Any

from workbench.stages.evaluation_parts import WHOLE, Figures, by_part
from workbench.stages.evaluation_plots import stem
from workbench.stages.fusion_names import FusionSystem, fusion_labels, is_fusion
from workbench.stages.system_names import BEST_SINGLE, ORACLE, RANDOM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#4878a8", "#c0504d", "#4f9d5d", "#8064a2", "#d08a2e", "#5aa5a5", "#a0522d")
_LINES = {ORACLE: "#222222", BEST_SINGLE: "#777777", RANDOM: "#bbbbbb"}
_MADE_OF = {
    "quality_of_pick": ("--", "pick of {}"),
    "quality_of_best_shown": (":", "best of the K by {}"),
}
Series = dict[str, dict[int, Figures]]
"""Label -> K -> figures."""


def fusion_plots(rows: Sequence[Any]) -> Iterator[tuple[str, "Figure"]]:
    """(name, figure): by each measure the quality of fusions against K, with intervals, beside the
    picks of their rankers, the best of the candidates shown, BestSingle, Random and Oracle."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    for (dataset, split, part, measure), systems in by_part(rows).items():
        fusions = {name: told for name, told in systems.items() if is_fusion(name)}
        if part != WHOLE or not fusions:
            continue
        figure = Figure(figsize=(9, 5), layout="constrained")
        axes = figure.subplots()
        _draw_fusions(axes, fusions)
        _draw_made_of(axes, fusions)
        for name, colour in _LINES.items():
            if name in systems:
                axes.axhline(systems[name]["quality"][0], color=colour, lw=1, label=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("candidates fused, K")
        axes.set_ylabel(measure)
        axes.set_title(f"Fusion by {measure}\n{dataset}, {split}", fontsize=10)
        figure.legend(loc="outside right upper", fontsize=8)
        yield f"fusion-{stem(dataset, split, measure)}", figure


def _draw_fusions(axes: "Axes", fusions: dict[str, Figures]) -> None:
    """A line for all fusions that differ in K alone."""
    series = _series(fusions, lambda system: replace(system, top_k=0).name)
    labels = fusion_labels(series)
    for (name, by_k), colour in zip(series.items(), cycle(_COLOURS), strict=False):
        told = [figures["quality"][:3] for figures in by_k.values()]
        values = [value for value, _, _ in told]
        spread = [value - low for value, low, _ in told], [high - value for value, _, high in told]
        label = labels[name]
        axes.errorbar(list(by_k), values, spread, color=colour, marker="o", capsize=3, label=label)


def _draw_made_of(axes: "Axes", fusions: dict[str, Figures]) -> None:
    """For all fusions of one ranking: its pick, and the best of its K first."""
    chosen = {name: f for name, f in fusions.items() if not FusionSystem.parse(name).random}
    series = _series(chosen, lambda system: system.ranking)
    for (ranking, by_k), colour in zip(series.items(), cycle(_COLOURS), strict=False):
        for figure, (style, label) in _MADE_OF.items():
            known = {k: figures[figure][0] for k, figures in by_k.items() if figure in figures}
            if known:
                told = label.format(ranking)
                k, values = list(known), list(known.values())
                axes.plot(k, values, style, color=colour, marker=".", lw=1, label=told)


def _series(fusions: dict[str, Figures], same: Callable[[FusionSystem], str]) -> Series:
    """Figures by what `same` says of a system, and by its K."""
    found: Series = defaultdict(dict)
    systems = {FusionSystem.parse(name): told for name, told in fusions.items()}
    for system in sorted(systems, key=lambda system: system.place):
        found[same(system)][system.top_k] = systems[system]
    return found
