"""The cost-quality front of chains as a picture.

Names stand in a column on the right, tied to their points by thin lines: however close the points
are, no two names overlap.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.stages.system_names import BEST_SINGLE, ORACLE, RANDOM, llm_system
from workbench.sweeps.chain_report import shown_unit
from workbench.sweeps.chain_worth import Beside, ChainSetting, ChainWorth

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FRONT, _LLM, _OTHER = "#c0504d", "#4878a8", "#333333"
_MARKERS = {BEST_SINGLE: "s", ORACLE: "*", RANDOM: "x"}
_LINE_INCHES, _LETTER_INCHES = 0.17, 0.066  # of a name
_WIDE = 12.0  # costs that differ by more than this factor are drawn on a log scale
_LLMS = 15  # single LLMs that are named: the best ones

Mark = tuple[float, float, str, str]
"""Cost, quality, name and colour of a point."""


def chain_plot(
    tried: Sequence[tuple[float, float]],
    settings: Sequence[ChainSetting],
    beside: Beside,
    title: str,
    units: tuple[str, str],
    test: bool = False,
) -> "Figure":
    """Mean cost across, quality up: trials, the front with 95 % intervals, and what is beside it.

    Args:
        tried: cost and quality of all trials; none where the split is not theirs.
        settings: the front, the best first.
        beside: single LLMs, BestSingle, Oracle, each router alone, all LLMs ranked.
        title: of the plot.
        units: of cost, and the measure of quality.
        test: whether the front is drawn as it was looked at, not as it was found.
    """
    from matplotlib.figure import Figure

    worths = [(s.test if test else s.tuned) for s in settings]
    front = [(n, s, w) for n, (s, w) in enumerate(zip(settings, worths, strict=True), 1) if w]
    marks = [(w.cost.value, w.quality.value, f"{n}  {s.label}", _FRONT) for n, s, w in front]
    marks += _beside_marks(beside)
    height = max(5.0, _LINE_INCHES * (len(marks) + 4) + 1.5)
    # Room on the right for the names, above for the title, below for the legend.
    width = 7.4 + _LETTER_INCHES * max((len(name) for _, _, name, _ in marks), default=0)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.85 / width, 1.1 / height, 6 / width, 1 - 1.75 / height))
    if tried:
        xy = [x for x, _ in tried], [y for _, y in tried]
        axes.scatter(*xy, s=12, color="#cccccc", label="a chain tried")
    _draw_singles(axes, beside)
    _draw_front(axes, [w for _, _, w in front])
    _draw_others(axes, beside)
    costs = np.array([x for x, *_ in marks] + [x for x, _ in tried])
    if costs.min() > 0 and costs.max() > _WIDE * costs.min():
        axes.set_xscale("log")
    axes.margins(0.06)
    factor, cost = shown_unit(units[0])
    axes.set_xlabel(f"mean cost: {cost}")
    axes.xaxis.set_major_formatter(lambda x, place: f"{x * factor:g}")
    axes.set_ylabel(f"mean quality: {units[1]}")
    axes.set_title(title, fontsize=11, loc="left")
    axes.grid(color="#eeeeee")
    axes.set_axisbelow(True)
    _write_names(figure, axes, marks)
    figure.legend(
        loc="lower left", bbox_to_anchor=(0.85 / width, 0.0), ncols=3, fontsize=8, frameon=False
    )
    return figure


def _draw_singles(axes: "Axes", beside: Beside) -> None:
    points = [w for name, w in beside.systems.items() if name.startswith(llm_system(""))]
    xy = [w.cost.value for w in points], [w.quality.value for w in points]
    axes.scatter(*xy, s=28, color=_LLM, zorder=3, label="a single LLM for all prompts")
    if beside.singles is not None and len(beside.singles.cost) > 1:
        axes.plot(
            beside.singles.cost, beside.singles.quality, "--", color=_LLM, linewidth=1,
            label="hull: what a coin between two single LLMs has",
        )  # fmt: skip


def _draw_front(axes: "Axes", worths: Sequence[ChainWorth]) -> None:
    if not worths:
        return
    quality = [w.quality for w in worths]
    spread = [e.value - e.low for e in quality], [e.high - e.value for e in quality]
    axes.errorbar(
        [w.cost.value for w in worths], [e.value for e in quality], spread, fmt="o",
        color=_FRONT, markersize=6, linewidth=1, elinewidth=0.8, capsize=2, zorder=4,
        label="the front, 95 % intervals",
    )  # fmt: skip
    ordered = sorted((w.cost.value, w.quality.value) for w in worths)
    axes.step(*zip(*ordered, strict=True), where="post", color=_FRONT, linewidth=1)


def _draw_others(axes: "Axes", beside: Beside) -> None:
    for name, worth in beside.systems.items():
        if not name.startswith(llm_system("")):
            marker = _MARKERS.get(name, "D")
            axes.plot(
                worth.cost.value, worth.quality.value, marker, color=_OTHER, fillstyle="none",
                markersize=10 if marker == "*" else 6, zorder=5,
            )  # fmt: skip


def _beside_marks(beside: Beside) -> list[Mark]:
    """Points to name: of many single LLMs only the best."""
    single = [n for n in beside.systems if n.startswith(llm_system(""))]
    unnamed = set(single[_LLMS:])
    prefix = llm_system("")
    return [
        (w.cost.value, w.quality.value, name.removeprefix(prefix),
         _LLM if name.startswith(prefix) else _OTHER)
        for name, w in beside.systems.items() if name not in unnamed
    ]  # fmt: skip


def _write_names(figure: "Figure", axes: "Axes", marks: Sequence[Mark]) -> None:
    """The names in a column right of the axes, in the order of their qualities."""
    if not marks:
        return
    marks = sorted(marks, key=lambda mark: mark[1])
    # In the axes' own fractions, as the points are by now.
    figure.draw_without_rendering()
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = np.array([to_axes.transform(mark[:2])[1] for mark in marks])
    places = _spaced(wanted, _LINE_INCHES / (axes.get_position().height * figure.get_figheight()))
    for (cost, quality, name, colour), place in zip(marks, places, strict=True):
        axes.annotate(
            name, xy=(cost, quality), xycoords="data", xytext=(1.05, place),
            textcoords="axes fraction", va="center", fontsize=8, color=colour,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.35,
                "relpos": (0, 0.5),
            },
        )  # fmt: skip


def _spaced(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Places [n] ascending, at least `gap` apart, as near to the ascending wanted ones as can be.

    The least squares solution: isotonic regression of what is wanted, less the gaps below.
    """
    from sklearn.isotonic import isotonic_regression

    below = gap * np.arange(len(wanted))
    found: np.ndarray = isotonic_regression(wanted - below) + below
    return found
