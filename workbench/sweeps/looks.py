"""What settings are worth on the split that no trial has seen: rows of `results`."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from workbench.evaluation import Estimate
from workbench.store.store import Store
from workbench.store.tables import write_rows


def look(
    system: str, datasets: Iterable[str], split: str, measure: str, found: Estimate
) -> dict[str, Any]:
    """The row of one figure of one setting."""
    return {
        "system": system, "dataset": "+".join(sorted(set(datasets))), "split": split,
        "slice": "all", "measure": measure,
        "value": found.value, "low": found.low, "high": found.high, "n": found.n,
    }  # fmt: skip


def write_looks(store: Store, run: str, rows: Sequence[dict[str, Any]]) -> None:
    """Writes the rows of a run in place of those that it had."""
    with store.writing() as db:
        db.execute("delete from results where run_id = ?", [run])
        db.register("_looks", pa.Table.from_pylist([{"run_id": run, **row} for row in rows]))
        write_rows(db, "results", "_looks", "replace")
