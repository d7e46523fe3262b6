"""Rows of `results` that tell of verdicts, sorted by whom systems are compared with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.evaluation.verdict_report import EACH, MAJORITY, OTHERS
from workbench.stages.evaluation_parts import WHOLE, Figures, of_verdicts
from workbench.stages.system_names import judge_system


@dataclass(frozen=True)
class Panel:
    """A group of judges, or one judge who is in no group, on one dataset and split.

    Attributes:
        where: dataset and split.
        judge: whom systems are compared with: `majority of GROUP`, or the judge.
        group: None where it is one judge.
        systems: figures of every system that is no judge.
        members: figures of each judge of the group, or of the one.
        verdicts: figures of `judge`: pairs and ties.
        each: agreement of the group's judges with the others, pooled; None where there is none.
    """

    where: tuple[str, str]
    judge: str
    group: str | None
    systems: dict[str, Figures]
    members: dict[str, Figures]
    verdicts: Figures
    each: Any

    @property
    def agreement(self) -> str:
        """The figure of agreement with `judge`."""
        return f"agreement[{self.judge}]"

    @property
    def others(self) -> str:
        """The figure in which systems and the judges of the group can be compared."""
        return f"agreement[{OTHERS}{self.group}]"


def panels(rows: Sequence[Any]) -> Iterator[Panel]:
    """The panels of each dataset and split, groups first, judges sorted by name."""
    first = judge_system("")
    for where, figures in _figures(rows).items():
        systems = {name: f for name, f in figures.items() if not name.startswith(first)}
        named = sorted(name for name in figures if name.startswith(first))
        judges = {name.removeprefix(first): figures[name] for name in named}
        single = {name: f for name, f in judges.items() if not name.startswith((MAJORITY, EACH))}
        for group in (name.removeprefix(MAJORITY) for name in judges if name.startswith(MAJORITY)):
            members = {n: f for n, f in single.items() if n.rpartition("/")[0] == group}
            single = {n: f for n, f in single.items() if n not in members}
            each = judges.get(EACH + group, {}).get(f"agreement[{OTHERS}{group}]")
            judge = MAJORITY + group
            yield Panel(where, judge, group, systems, members, judges[judge], each)
        for judge, told in single.items():
            yield Panel(where, judge, None, systems, {judge: told}, told, None)


def _figures(rows: Sequence[Any]) -> dict[tuple[str, str], dict[str, Figures]]:
    """(dataset, split) -> system or judge -> figures, of all prompts."""
    found: dict[tuple[str, str], dict[str, Figures]] = {}
    for system, dataset, split, part, measure, *estimate in rows:
        if part == WHOLE and of_verdicts(measure):
            found.setdefault((dataset, split), {}).setdefault(system, {})[measure] = estimate
    return found
