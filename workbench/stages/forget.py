"""Forget: removes what a run wrote, so that the stage can be done anew."""

from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from workbench import terminal
from workbench.store.store import Store
from workbench.tracking import STAGE, Tracker

# By the stage of the run: tables, and the column that names the run in each.
_WRITTEN = {
    "train": {"comparisons": "ranker", "rankings": "ranker"},
    "evaluate": {"results": "run_id"},
    "sweep": {"trials": "run_id", "results": "run_id"},
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

    Of a training these are the comparisons and rankings of its ranker; of a comparison the
    same, of the ranker that compared; of an evaluation its results; of a sweep its trials too.
    `mlflow gc` frees the space that deleted runs take.

    Args:
        store: DuckDB file.
        run: id of an MLflow run, or its beginning.

    Raises:
        UnknownName: no such run, or more than one begins so.
    """
    opened = Store(store)
    tracker = Tracker(opened.path)
    run = tracker.resolve(run)
    found = tracker.client.get_run(run)
    stage = found.data.tags[STAGE]
    owner, tables = run, _WRITTEN.get(stage, {})
    if stage == "compare":
        owner, tables = found.data.params["ranker"], _WRITTEN["train"]
    names = [owner, *tracker.children(run)]
    rows = []
    with opened.writing() as db:
        for table, column in tables.items():
            counted = db.execute(
                f"delete from {table} where list_contains(?, {column})",  # noqa: S608
                [names],
            ).fetchone()
            rows.append((table, int(counted[0]) if counted else 0))
    for name in [*tracker.children(run), run]:
        tracker.client.delete_run(name)
    return Forgotten(run, stage, rows)
