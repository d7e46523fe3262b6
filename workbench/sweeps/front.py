"""A study's trials in the plane of its two objectives, with the Pareto front."""

from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def front_plot(study: optuna.Study, objective: str) -> "Figure":
    """Comparisons across, quality up, a colour a top-K; trials on the front are ringed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    for k in sorted({t.params["top_k"] for t in complete}):
        values = [t.values for t in complete if t.params["top_k"] == k]
        axes.scatter([v[1] for v in values], [v[0] for v in values], s=18, label=f"top {k}")
    front = [t.values for t in study.best_trials]
    axes.scatter(
        [v[1] for v in front], [v[0] for v in front], s=90, facecolors="none", edgecolors="black",
        label="Pareto front",
    )  # fmt: skip
    axes.set_xlabel("comparisons per prompt")
    axes.set_ylabel(f"{objective} quality of the top K, validation")
    axes.legend()
    return figure
