"""A grid of schedules in the plane of what they keep and what they cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.aggregation import OUTCOMES, Scheme
from workbench.evaluation import Estimate
from workbench.sweeps.schedule_grid import Kept

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def grid_plot(rows: Sequence[Kept], where: str) -> "Figure":
    """Quality and recall across comparisons: a colour a schedule, hollow where order=random.

    Bars are 95 % intervals; those of the quality are of the paired difference to the full ranking.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import ScalarFormatter

    figure = Figure(figsize=(11, 5.6), layout="constrained")
    panels = figure.subplots(1, 2)
    families: dict[tuple[str, str], list[Kept]] = {}
    for row in sorted(rows, key=lambda row: row.comparisons.value):
        families.setdefault(_family(row), []).append(row)
    names = list(dict.fromkeys(_family(row)[0] for row in rows))
    for (name, order), members in families.items():
        # The full ranking's own quality, and what each differs from it by.
        quality = [(row, row.quality.value, row.difference.estimate) for row in members]
        recall = [(row, row.top_full.value, row.top_full) for row in members if row.top_full]
        for axes, points in zip(panels, (quality, recall), strict=True):
            _series(axes, points, name, order, f"C{names.index(name)}")
    panels[0].set_title(f"Quality of the pick\n{where}", fontsize=10)
    panels[1].set_title("Recall of the full ranking's top 3", fontsize=10)
    for axes in panels:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.set_xlabel("comparisons per prompt")
    panels[0].axhline(
        rows[0].quality.value - rows[0].difference.estimate.value, color="#333333",
        linewidth=0.8, linestyle="--",
    )  # fmt: skip
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=5, fontsize=8,
        title="filled: both orders of a pair; hollow: one; dashed: the full ranking",
        title_fontsize=8,
    )  # fmt: skip
    return figure


def _family(row: Kept) -> tuple[str, str]:
    """What a line joins: one scheme and schedule at all its efforts, in one order mode."""
    scheme = Scheme.parse(row.scheme)
    own = dict(scheme.params)
    if scheme.name in OUTCOMES:
        name = f"{scheme.name}(k={own['k']})" if "k" in own else scheme.name
    else:
        name = f"{scheme.name}, {scheme.schedule.name}"
    return name, scheme.order


def _series(
    axes: "Axes", points: Sequence[tuple[Kept, float, Estimate]], name: str, order: str, colour: str
) -> None:
    both = order == "both"
    axes.errorbar(
        [row.comparisons.value for row, _, _ in points],
        [value for _, value, _ in points],
        yerr=np.array([(e.value - e.low, e.high - e.value) for _, _, e in points]).T.reshape(2, -1),
        color=colour, marker="o", markersize=5, linewidth=1, elinewidth=0.5,
        markerfacecolor=colour if both else "none", linestyle="-" if both else ":",
        label=name if both else None,
    )  # fmt: skip
