"""The settings that a study has found to be worth their comparisons, for each K apart.

Quality of the top 1 and of the top 3 are not the same thing, so settings are compared among
those of their own K only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optuna.trial import FrozenTrial

from workbench.aggregation import Scheme
from workbench.evaluation import Estimate, mean_estimate
from workbench.sweeps.front import undominated
from workbench.sweeps.objective import Compared


@dataclass(frozen=True)
class Setting:
    """A scheme at a K: its figures on validation and, if it was looked at, on test."""

    top_k: int
    scheme: str
    comparisons: float
    validation: float
    test: Estimate | None = None


def fronts(trials: Sequence[FrozenTrial]) -> dict[int, list[Setting]]:
    """By K the settings that no other of that K beats in both objectives, the best one first.

    Of settings with equal figures the one that was tried first.
    """
    sizes = sorted({t.params["top_k"] for t in trials if t.values})
    return {
        k: [
            Setting(k, t.user_attrs["setting"]["scheme"], t.values[1], t.values[0])
            for t in undominated(t for t in trials if t.params["top_k"] == k)
        ]
        for k in sizes
    }


def looked_at(setting: Setting, tested: Compared, objective: str, seed: int) -> Setting:
    """The setting with its estimate on prompts that no trial has seen."""
    values = tested.figures(Scheme.parse(setting.scheme), setting.top_k)[objective]
    return replace(setting, test=mean_estimate(values, seed=seed))
