"""Forget: removes what a run wrote, so that the stage can be done anew."""

import ast
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from workbench import terminal
from workbench.store.labels import drop_label
from workbench.store.store import Store
from workbench.tracking import STAGE, Tracker, study_storage

_OF_RANKER = "list_contains($names, ranker)"
_OF_RUN = "list_contains($names, run_id)"
_OF_MEASURES = """
    list_contains($measures, measure) and candidate_id in (
        select candidate_id from candidates join prompts using (prompt_id)
        where $datasets is null or list_contains($datasets, dataset))
"""
# By the stage of the run: tables, and which of their rows are the run's.
_WRITTEN = {
    "measure": {"qualities": _OF_MEASURES},
    "train": {"comparisons": _OF_RANKER, "rankings": _OF_RANKER},
    "evaluate": {"results": _OF_RUN},
    "sweep": {"trials": _OF_RUN, "results": _OF_RUN},
    "sweep-trial": {"trials": _OF_RUN},
}


@dataclass
class Forgotten:
    """Rows removed, by table."""

    run: str
    stage: str
    rows: list[tuple[str, int]]

    def __rich__(self) -> Table:
        return terminal.table(f"forget {self.stage} {self.run}", ("table", "removed"), self.rows)


def forget(store: Path, run: str) -> Forgotten:
    """Removes a run's rows from the store and marks the run, and those below it, as deleted.

    Of a measuring these are the values of its measures; of a training the comparisons and
    rankings of its ranker; of a comparison the same, of the ranker that compared; of an
    evaluation its results; of a sweep its trials and its study too. `mlflow gc` frees the space
    that deleted runs take.

    Args:
        store: DuckDB file.
        run: id of an MLflow run, or its beginning.

    Raises:
        UnknownName: no such run, or more than one begins so.
    """
    opened = Store(store)
    tracker = Tracker(opened.path)
    run = tracker.resolve(run)
    told = tracker.client.get_run(run).data
    stage = told.tags[STAGE]
    owner, tables = run, _WRITTEN.get(stage, {})
    if stage == "compare":
        owner, tables = told.params["ranker"], _WRITTEN["train"]
    below = list(tracker.children(run).values())
    given: dict[str, Any] = {"names": [owner, *below]}
    if stage == "measure":
        given |= {key: ast.literal_eval(told.params[key]) for key in ("measures", "datasets")}
    studies = _studies(opened, given["names"])
    rows = []
    with opened.writing() as db:
        for table, condition in tables.items():
            used = {key: value for key, value in given.items() if f"${key}" in condition}
            counted = db.execute(f"delete from {table} where {condition}", used).fetchone()  # noqa: S608
            rows.append((table, int(counted[0]) if counted else 0))
    if stage == "train":
        drop_label(opened, run)
    _delete_studies(opened, studies)
    for name in [*below, run]:
        tracker.client.delete_run(name)
    return Forgotten(run, stage, rows)


def _studies(store: Store, runs: list[str]) -> list[str]:
    rows = store.query(f"select distinct study from trials where {_OF_RUN}", {"names": runs})  # noqa: S608
    return [str(name) for name in rows["study"].to_pylist()]


def _delete_studies(store: Store, names: list[str]) -> None:
    """Deletes Optuna's own copies of studies that have no trial left in the store."""
    for name in names:
        if store.query("select 1 from trials where study = ?", [name]).num_rows:
            continue
        import optuna

        with suppress(KeyError):  # there is none: somebody has deleted it before
            optuna.delete_study(study_name=name, storage=study_storage(store.path))
