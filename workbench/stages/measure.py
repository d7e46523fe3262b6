"""Measure: candidates and their prompts' references -> qualities."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.table import Table

from workbench import terminal
from workbench.errors import BadValue, MissingInput
from workbench.quality import MEASURES
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.tracking import Tracker

_CHUNK = 10_000  # candidates between two writes: a kill loses no more than these

# A candidate with a reference and without a value of the measure.
_MISSING = """
    from candidates c join prompts p using (prompt_id)
    where p.reference is not null
      and ($datasets is null or list_contains($datasets, p.dataset))
      and not exists (select 1 from qualities q
                      where q.candidate_id = c.candidate_id and q.measure = $measure)
"""


@dataclass
class Measured:
    """New values and mean of all values, by measure."""

    rows: list[tuple[str, int, float]]

    def __rich__(self) -> Table:
        return terminal.table("measure", ("measure", "new values", "mean"), self.rows)


def measure(
    store: Path, measures: list[str] | None = None, datasets: list[str] | None = None
) -> Measured:
    """Computes measures of every candidate whose prompt has a reference; continues after a kill.

    Args:
        store: DuckDB file.
        measures: names of measures, all that the workbench has by default.
        datasets: names of datasets, all by default.

    Raises:
        UnknownName: a measure or dataset that there is not.
        MissingInput: no candidate has a reference to be measured against.
    """
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    names = list(MEASURES) if measures is None else measures
    if not names:
        raise BadValue("measures", measures, "at least one measure")
    for name in names:
        MEASURES[name]
    config = {"measures": names, "datasets": datasets}
    data = fingerprint(
        opened,
        "select candidate_id, reference from candidates join prompts using (prompt_id) "
        "where reference is not null and ($d is null or list_contains($d, dataset))",
        {"d": datasets},
    )
    if data.endswith("-0"):
        raise MissingInput(f"no candidate of datasets={datasets or 'all'} has a reference")
    with Tracker(opened.path).run("measure", config, data) as run:
        rows = [(name, _measure_missing(opened, name, datasets), 0.0) for name in names]
        rows = [(name, new, _mean(opened, name)) for name, new, _ in rows]
        run.log_metrics({f"mean/{name}": mean for name, _, mean in rows})
    return Measured(rows)


def _measure_missing(store: Store, name: str, datasets: list[str] | None) -> int:
    wanted: dict[str, object] = {"datasets": datasets, "measure": name}
    total = store.query(f"select count(*) n {_MISSING}", wanted)["n"][0].as_py()
    if not total:
        return 0
    with terminal.progress(f"measure {name}", total, "candidates") as advance:
        while True:
            chunk = store.query(
                f"select c.candidate_id, c.text, p.reference {_MISSING} limit {_CHUNK}",
                wanted,
            )
            if not chunk.num_rows:
                return int(total)
            values = MEASURES[name](chunk["text"].to_pylist(), chunk["reference"].to_pylist())
            rows = {
                "candidate_id": chunk["candidate_id"],
                "measure": pa.array([name] * len(values), pa.string()),
                "value": pa.array(np.asarray(values, np.float64)),
            }
            store.insert("qualities", pa.table(rows))
            advance(len(values))


def _mean(store: Store, name: str) -> float:
    rows = store.query("select avg(value) as mean from qualities where measure = ?", [name])
    return float(rows["mean"][0].as_py())
