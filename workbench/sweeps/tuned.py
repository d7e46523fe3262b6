"""What a tuning found: the settings that no other beats in both objectives, with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Group

from workbench import terminal
from workbench.evaluation import Difference, Estimate, mean_estimate, paired_difference
from workbench.interrupts import CtrlC
from workbench.stages.fusion_names import FusionSystem
from workbench.stages.rankers import short_scheme
from workbench.store.store import Store
from workbench.sweeps.fusion_pool import FusionPool
from workbench.sweeps.fusion_search import name_of
from workbench.sweeps.fusion_space import FusionChoice
from workbench.sweeps.looks import look

_DATASETS = "select distinct dataset from prompts where list_contains($prompts, prompt_id)"


@dataclass(frozen=True)
class Worth:
    """Figures of a setting on one split.

    Attributes:
        quality: mean.
        tokens_out: mean of the tokens generated a prompt.
        vs_pick: quality minus that of the best candidate by the same ranking.
    """

    quality: Estimate
    tokens_out: Estimate
    vs_pick: Difference


@dataclass(frozen=True)
class FusionSetting:
    """A setting of the front, on the split of the trials and, if it was looked at, on test."""

    choice: FusionChoice
    system: FusionSystem
    tuned: Worth
    test: Worth | None = None

    def parts(self, with_scheme: bool) -> list[str]:
        """Such as `top 3`, `reversed`, `beam`, `beams=2`."""
        scheme = self.system.scheme
        by = [scheme if self.system.random else short_scheme(scheme)] if with_scheme else []
        return [*by, f"top {self.choice.top_k}", *self.system.settings.values()]


@dataclass
class Tuned:
    """What a study found, and where to look at it.

    Attributes:
        study, storage: Optuna's name of the study, and where it lies.
        trials: how many there are.
        measure: of quality.
        picks: by scheme, the quality of its best candidate, without any fusing.
        settings: the front, the best first.
    """

    study: str
    storage: str
    trials: int
    measure: str
    picks: dict[str, Estimate]
    settings: list[FusionSetting]

    def __rich__(self) -> Group:
        tested = [setting for setting in self.settings if setting.test]
        picks = ", ".join(f"{shown(found)}" for found in self.picks.values())
        labels, shared = _labels(self.settings, len(self.picks) > 1)
        told = (
            "Settings that no other beats in both quality and generated tokens per prompt; 95 % "
            "intervals. They were chosen on these prompts, which flatters them"
            f"{'' if tested else ', which --report_on test does not'}. The ranker's pick, without "
            f"fusing: {picks}."
        )
        told += f" All: {', '.join(shared)}." if shared else ""
        title = f"Tuning {self.study}: {self.trials} trials"
        columns = ["setting", "tokens", self.measure, "minus pick"]
        rows = [_cells(label, s.tuned) for label, s in zip(labels, self.settings, strict=True)]
        tables = [terminal.table(title, columns, rows, told)]
        if tested:
            rows = [_cells(label, s.test) for label, s in zip(labels, self.settings, strict=True)]
            tables.append(terminal.table("The same settings on test", columns, rows))
        return Group(*tables, f"see: optuna-dashboard {self.storage}")


def _labels(settings: Sequence[FusionSetting], with_scheme: bool) -> tuple[list[str], list[str]]:
    """What each setting is called beside the others, and what all of several have in common."""
    parts = [setting.parts(with_scheme) for setting in settings]
    first = parts[0] if len(parts) > 1 else []
    shared = [part for part in first if all(part in other for other in parts)]
    own = [[part for part in some if part not in shared] for some in parts]
    return [", ".join(some) or "as all" for some in own], shared


def shown(found: Estimate) -> str:
    """A figure with its interval."""
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _cells(label: str, worth: Worth | None) -> list[str]:
    if worth is None:
        return [label, "–", "–", "–"]
    tokens = f"{worth.tokens_out.value:.1f}"
    return [label, tokens, shown(worth.quality), shown(worth.vs_pick.estimate)]


def settings_of(
    pool: FusionPool, choices: Sequence[FusionChoice], seed: int
) -> list[FusionSetting]:
    """The settings of a front with their figures on the prompts that they were tried on."""
    return [
        FusionSetting(
            choice,
            FusionSystem.parse(name_of(pool, choice)),
            worth(pool, choice, seed, lambda done: None, CtrlC()),
        )
        for choice in choices
    ]


def looked_at(
    settings: Sequence[FusionSetting], tested: FusionPool, seed: int, ctrl_c: CtrlC
) -> list[FusionSetting]:
    """The settings with their figures on prompts that no trial has seen; these are fused."""
    total = len(settings) * len(tested.prompts)
    with terminal.progress(f"tune: {tested.split}", total, "answers") as advance:
        return [replace(s, test=worth(tested, s.choice, seed, advance, ctrl_c)) for s in settings]


def worth(
    pool: FusionPool,
    choice: FusionChoice,
    seed: int,
    advance: Callable[[int], None],
    ctrl_c: CtrlC,
) -> Worth:
    """The figures of a choice; what is not fused yet is."""
    figures = pool.figures(choice, advance, ctrl_c)
    return Worth(
        mean_estimate(figures["quality"], seed=seed),
        mean_estimate(figures["tokens_out"], seed=seed),
        paired_difference(figures["quality"], pool.pick(choice.scheme), seed=seed),
    )


def looks_of(
    store: Store, settings: Sequence[FusionSetting], tested: FusionPool
) -> list[dict[str, Any]]:
    """Rows of `results`, under the names that `evaluate` gives these figures."""
    datasets = store.query(_DATASETS, {"prompts": tested.prompts})["dataset"].to_pylist()
    return [
        look(s.system.name, datasets, tested.split, f"{name}:{tested.measure}", found)
        for s in settings
        if s.test
        for name, found in figures_of(s.test).items()
    ]


def figures_of(worth: Worth) -> dict[str, Estimate]:
    """All figures by name."""
    return {
        "quality": worth.quality,
        "tokens_out": worth.tokens_out,
        "vs_pick": worth.vs_pick.estimate,
    }


def front_csv(settings: Sequence[FusionSetting], splits: Mapping[str, str]) -> str:
    """The front as a table of text; `splits` names that of the trials and that of the look."""
    lines = ["system,split,figure,value,low,high,n"]
    for s in settings:
        for split, found in ((splits["tuned"], s.tuned), (splits["test"], s.test)):
            for name, e in figures_of(found).items() if found else ():
                lines.append(f'"{s.system.name}",{split},{name},{e.value},{e.low},{e.high},{e.n}')
    return "\n".join(lines) + "\n"
