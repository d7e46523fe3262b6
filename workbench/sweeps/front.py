"""The Pareto front of a study's trials: which are on it, and how it looks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial, TrialState

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Sequence[tuple[float, float]]
"""Costs and qualities."""


def undominated(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The complete trials that no other beats in both objectives, the best one first.

    Of trials with equal values the first. Values are quality, to be large, and cost, to be small.
    """
    front: list[FrozenTrial] = []
    complete = [t for t in trials if t.state == TrialState.COMPLETE]
    for trial in sorted(complete, key=lambda t: (-t.values[0], t.values[1], t.number)):
        if not front or trial.values[1] < front[-1].values[1]:
            front.append(trial)
    return front


def front_plot(
    tried: Mapping[str, Points],
    fronts: Mapping[str, Points],
    cost: str,
    quality: str,
    levels: Mapping[str, float] | None = None,
) -> "Figure":
    """Costs across, quality up: a dot a trial, a line along each front.

    Args:
        tried: points of all trials, by what their colour stands for.
        fronts: in the colour of the trials of that name, black where there are none.
        cost, quality: labels of the axes.
        levels: qualities to compare with that cost nothing, as dashed lines.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    colours = {}
    for name, points in tried.items():
        dots = axes.scatter([x for x, _ in points], [y for _, y in points], s=18, label=name)
        colours[name] = dots.get_facecolor()[0]
    for name, points in fronts.items():
        axes.plot(
            [x for x, _ in points], [y for _, y in points], "o-", fillstyle="none", markersize=9,
            linewidth=1, color=colours.get(name, "black"),
            label=f"front of {name}" if name in colours else name,
        )  # fmt: skip
    for name, value in (levels or {}).items():
        axes.axhline(value, color="#555555", linewidth=0.8, linestyle="--", label=name)
    axes.set_xlabel(cost)
    axes.set_ylabel(quality)
    axes.legend()
    return figure
