"""A study's trials in the plane of its two objectives, with the Pareto front of each K."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

from workbench.sweeps.setting import Setting

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def front_plot(
    study: optuna.Study, fronts: Mapping[int, Sequence[Setting]], objective: str
) -> "Figure":
    """Comparisons across, quality up, a colour a top-K; a line joins the front of each K."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    for k, front in fronts.items():
        values = [t.values for t in complete if t.params["top_k"] == k]
        dots = axes.scatter([v[1] for v in values], [v[0] for v in values], s=18, label=f"top {k}")
        axes.plot(
            [s.comparisons for s in front], [s.validation for s in front], "o-", fillstyle="none",
            markersize=9, linewidth=1, color=dots.get_facecolor()[0], label=f"front of top {k}",
        )  # fmt: skip
    axes.set_xlabel("comparisons per prompt")
    axes.set_ylabel(f"{objective} quality of the top K")
    axes.legend()
    return figure
