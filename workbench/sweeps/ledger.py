"""Where finished trials are written beside the study: MLflow and the store's `trials`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
import pyarrow as pa
from optuna.trial import FrozenTrial, TrialState

from workbench.interrupts import CtrlC, put_off
from workbench.store.store import Store
from workbench.sweeps.study import METRICS
from workbench.tracking import Run, Tracker


@dataclass
class Ledger:
    """Copies finished trials of a study to MLflow and to the store, each once.

    Attributes:
        store, tracker: where to.
        run: the parent of the trials' runs.
        study: where from; each trial has a user attribute `setting`, a mapping: figures, a text
            that tells the whole setting, and `error` where it failed.
        metrics: names of the objectives.
        text: which entry of `setting` is that text.
        every: trials between two writings.
    """

    store: Store
    tracker: Tracker
    run: Run
    study: optuna.Study
    metrics: Sequence[str] = tuple(METRICS)
    text: str = "scheme"
    every: int = 50
    waiting: int = 0

    @contextmanager
    def kept(self) -> Iterator[CtrlC]:
        """Ctrl-C waits for a good moment; whatever ends the trials, finished ones are written."""
        try:
            with put_off() as ctrl_c:
                yield ctrl_c
        finally:
            self.write()

    def one_more(self) -> None:
        """Takes note of a finished trial; every now and then all are written."""
        self.waiting += 1
        if self.waiting >= self.every:
            self.write()

    def write(self) -> None:
        """Writes the finished trials that the store does not hold yet."""
        self.waiting = 0
        rows = self.store.query("select trial from trials where study = ?", [self.study.study_name])
        there = set(rows["trial"].to_pylist())
        fresh = [
            t for t in self.study.get_trials(deepcopy=False)
            if t.state.is_finished() and t.number not in there
        ]  # fmt: skip
        if fresh:
            # A kill may have come between MLflow and the store.
            again = self.run.finished or self.run.resumed
            left = self.tracker.children(self.run.id) if again else {}
            rows = [self._row(t, left.get(_name(t))) for t in fresh]
            self.store.insert("trials", pa.Table.from_pylist(rows))

    def _row(self, trial: FrozenTrial, earlier: str | None) -> dict[str, Any]:
        complete = trial.state == TrialState.COMPLETE
        setting = dict(trial.user_attrs["setting"])
        told = {name: setting.pop(name) for name in (self.text, "error") if name in setting}
        # Beside the objectives: mean and best quality of the top K, whichever was asked for.
        objectives = setting | dict(zip(self.metrics, trial.values or (), strict=False))
        child = self.tracker.add_child(
            self.run,
            _name(trial),
            "FINISHED" if complete else "FAILED",
            trial.params | {"setting": told[self.text]},
            objectives,
            error=told.get("error"),
            earlier=earlier,
        )
        return {
            "study": self.study.study_name,
            "trial": trial.number,
            "state": trial.state.name,
            "params": json.dumps(trial.params),
            "objectives": json.dumps(objectives) if complete else None,
            "run_id": child,
        }


def _name(trial: FrozenTrial) -> str:
    return f"trial {trial.number}"
