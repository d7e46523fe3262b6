"""The front of a study of chains where people read: tables, and a file of all figures."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Group
from rich.table import Table

from workbench import terminal
from workbench.stages.system_names import llm_system
from workbench.sweeps.chain_worth import Beside, ChainSetting, ChainWorth
from workbench.sweeps.tuned import shown

# Heads and intervals take two lines, so that the settings have room in 80 columns.
_COLUMNS = ("", "setting", "cost", "com-\npar.", "qual-\nity ↑", "minus Best-\nSingle, 95 %")
_TOLD = (
    "Chains that no other beats in both quality and cost, the best first (of more than 15 those "
    "that gain most over the next cheaper one); below, what they are compared with. cost: {unit}, "
    "of LLM calls, comparisons at {price:g} each and fusions; routers are not counted. compar.: "
    "comparisons a prompt. m=3: three LLMs are asked. front.csv in MLflow has all figures."
)
_UNITS = {
    "usd": (1000.0, "USD per 1,000 prompts"),
    "tokens": (1.0, "generated tokens per prompt"),
    "calls": (1.0, "LLM calls per prompt"),
    "parameters": (1.0, "billions of parameters run per prompt"),
}
_FLATTERED = " They were chosen on these prompts, which flatters them{more}."


@dataclass
class Chained:
    """What a study found, and where to look at it.

    Attributes:
        study, storage: Optuna's name of the study, and where it lies.
        trials: how many have ended.
        measure, unit, comparison_cost: of quality and cost.
        split, report_on: of the trials and of the look at the front; None: there was none.
        settings: the front, the best first.
        beside, tested: what they are compared with, on both splits.
    """

    study: str
    storage: str
    trials: int
    measure: str
    unit: str
    comparison_cost: float
    split: str
    report_on: str | None
    settings: list[ChainSetting]
    beside: Beside
    tested: Beside | None

    def __rich__(self) -> Group:
        more = "" if self.tested else ", which --report_on test does not"
        told = _TOLD.format(unit=shown_unit(self.unit)[1], price=self.comparison_cost)
        title = f"Chains {self.study}: {self.trials} trials, {self.measure}"
        caption = told + _FLATTERED.format(more=more)
        tables = [self._table(f"{title}, {self.split}", caption, self.beside, False)]
        if self.tested:
            title = f"The same chains on {self.report_on}"
            tables.append(self._table(title, None, self.tested, True))
        return Group(*tables, f"see: optuna-dashboard {self.storage}")

    def _table(self, title: str, caption: str | None, beside: Beside, test: bool) -> Table:
        worths = [s.test if test else s.tuned for s in self.settings]
        rows = [
            _cells(str(place), setting.label, worth, self.unit)
            for place, (setting, worth) in enumerate(zip(self.settings, worths, strict=True), 1)
            if worth
        ]
        others = [_cells("", name, worth, self.unit) for name, worth in _told_beside(beside)]
        return terminal.table(title, _COLUMNS, [*rows, *others], caption)


def front_csv(settings: Sequence[ChainSetting], splits: Mapping[str, Beside]) -> str:
    """All figures of the front and of what stands beside it, as a table of text.

    Args:
        settings: the front; looked at on the second split, if there is one.
        splits: name of the split of the trials, and of the look -> what stands beside.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["place", "system", "split", "figure", "value", "low", "high", "n"])
    for look, (split, beside) in enumerate(splits.items()):
        worths = [(s.name, s.test if look else s.tuned) for s in settings]
        named = [(str(n), name, worth) for n, (name, worth) in enumerate(worths, 1) if worth]
        for place, name, worth in [*named, *(("", *row) for row in beside.systems.items())]:
            for figure, e in worth.all_figures().items():
                lines.writerow([place, name, split, figure, e.value, e.low, e.high, e.n])
            if np.isfinite(worth.above_hull):
                n = worth.quality.n
                lines.writerow([place, name, split, "above_hull", worth.above_hull, "", "", n])
    return text.getvalue()


def _told_beside(beside: Beside) -> Iterable[tuple[str, ChainWorth]]:
    """What stands beside, of the single LLMs the best and the cheapest."""
    single = {n: w for n, w in beside.systems.items() if n.startswith(llm_system(""))}
    cheapest = min(single, key=lambda name: single[name].cost.value) if single else None
    for name, worth in beside.systems.items():
        if name not in single or name in (next(iter(single)), cheapest):
            yield name, worth


def shown_unit(unit: str) -> tuple[float, str]:
    """Factor by which costs of a unit are multiplied where people read, and what they then are."""
    return _UNITS[unit]


def _cells(place: str, label: str, worth: ChainWorth, unit: str) -> list[object]:
    comparisons = worth.figures.get("comparisons")
    return [
        place,
        label,
        f"{worth.cost.value * shown_unit(unit)[0]:.4g}",
        f"{comparisons.value:.1f}" if comparisons else None,
        f"{worth.quality.value:.3f}",
        shown(worth.vs_best_single.estimate).replace(" [", "\n["),
    ]
