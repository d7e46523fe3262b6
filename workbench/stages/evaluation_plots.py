"""Plots of an evaluation, for MLflow."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workbench.stages.evaluation_parts import WHOLE, by_part
from workbench.stages.system_names import ORACLE, short_system, short_systems
from workbench.stages.verdict_parts import panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plots(rows: Sequence[Any]) -> Iterator[tuple[str, "Figure"]]:
    """(name, figure): by each measure the best-LLM distribution and the systems' qualities; and
    the systems' agreement with each judge or, of judges together, with their majority."""
    for (dataset, split, part, measure), systems in by_part(rows).items():
        if part != WHOLE:
            continue
        file = stem(dataset, split, measure)
        shares = {
            name.removeprefix("llm:"): figures["best_share"]
            for name, figures in systems.items()
            if "best_share" in figures
        }
        where = f"{measure}, {dataset}, {split}"
        yield f"best_llm-{file}", _bars(shares, f"Share of prompts won\n{where}")
        labels = short_systems(systems)
        qualities = {
            labels[name]: figures["quality"]
            for name, figures in systems.items()
            if "quality" in figures and name != ORACLE
        }
        yield f"quality-{file}", _bars(qualities, f"Quality\n{where}")
    yield from _agreement_plots(rows)


def _agreement_plots(rows: Sequence[Any]) -> Iterator[tuple[str, "Figure"]]:
    for panel in panels(rows):
        agreeing = {
            short_system(name): figures[panel.agreement]
            for name, figures in panel.systems.items()
            if panel.agreement in figures
        }
        title = f"Agreement with {panel.judge}\n{', '.join(panel.where)}"
        yield f"agreement-{stem(*panel.where, panel.judge)}", _bars(agreeing, title)


def stem(*words: str) -> str:
    """Part of a file's name."""
    return "".join(c if c.isalnum() else "_" for c in "-".join(words))


def _bars(estimates: dict[str, Any], title: str) -> "Figure":
    """Horizontal bars with their 95 % intervals, largest on top."""
    from matplotlib.figure import Figure

    order = sorted(estimates, key=lambda name: estimates[name][0])
    values = [estimates[name][0] for name in order]
    below = [estimates[name][0] - estimates[name][1] for name in order]
    above = [estimates[name][2] - estimates[name][0] for name in order]
    figure = Figure(figsize=(8, 1.2 + 0.3 * len(order)), layout="constrained")
    axes = figure.subplots()
    axes.barh(order, values, xerr=[below, above], color="#4878a8", ecolor="#333333", capsize=2)
    axes.set_title(title, fontsize=10)
    axes.margins(y=0.01)
    return figure
