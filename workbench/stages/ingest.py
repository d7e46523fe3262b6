"""Ingest: a source's records -> prompts, llms, candidates, qualities, verdicts, tags.

Records are checked and laid aside as Parquet first, in bounded memory; only when the source has
been read to its end do all rows enter the store, in one transaction. A bad row or a kill
therefore leaves the store as it was.
"""

import hashlib
import importlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from rich.table import Table

from workbench import terminal
from workbench.errors import BadRow, MissingInput
from workbench.sources import SOURCES, load_source
from workbench.sources.record import Record
from workbench.store.ids import candidate_id, prompt_id, split_of
from workbench.store.llm_facts import FACTS, fill_facts
from workbench.store.store import Store
from workbench.store.tables import OnConflict, write_rows
from workbench.tracking import work_folder

_BATCH = 2_000  # records held in memory before they are laid aside

_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int32()


def _texts(*names: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(names, _TEXT)


_COSTS = {"tokens_in": _WHOLE, "tokens_out": _WHOLE, "usd": _REAL, "latency_s": _REAL}
_SCHEMAS = {
    "prompts": pa.schema(
        _texts("prompt_id", "dataset", "split", "instruction", "input", "reference", "category")
    ),
    "llms": pa.schema(_texts("llm")),
    "candidates": pa.schema(
        _texts("candidate_id", "prompt_id", "llm", "text", "decoding") | _COSTS
    ),
    "qualities": pa.schema(_texts("candidate_id", "measure") | {"value": _REAL}),
    "verdicts": pa.schema(_texts("prompt_id", "left_id", "right_id", "judge", "verdict")),
    "tags": pa.schema(_texts("prompt_id", "tag", "tagger")),
}
_FACTS = pa.schema(_texts("llm") | dict.fromkeys(FACTS, _REAL))
# The same row again is nothing new; the same key with another value is an error.
_CONFLICT: dict[str, OnConflict] = {"llms": "keep", "tags": "keep"}


@dataclass
class Ingested:
    """New rows by table, and how many rows were rejected and where they are listed."""

    source: str
    added: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    rejects: Path | None = None
    unchanged: bool = False

    def __rich__(self) -> Table:
        title = f"ingest {self.source}" + (": done before, unchanged" if self.unchanged else "")
        rows: list[tuple[str, Any]] = list(self.added.items())
        if self.rejects:
            rows.append((f"rejected, see {self.rejects}", self.rejected))
        return terminal.table(title, ("table", "new rows"), rows)


def ingest(
    store: Path,
    source: str,
    on_error: Literal["fail", "skip"] = "fail",
    **options: Any,
) -> Ingested:
    """Brings the records of a source into the store, making the store where it is missing.

    Args:
        store: DuckDB file.
        source: name of a source.
        on_error: what to do with a bad row: 'fail' stops and writes nothing; 'skip' ingests
            the rest and lists the rejected rows with their reasons in a file.
        options: the source's own options, as its function takes them.

    Raises:
        UnknownName: no such source.
        BadRow: the first bad row, with file, line and field (on_error='fail').
        StoreConflict: a row stands in the store with another value.
        MissingInput: the source held no valid record.
    """
    records = load_source(source)(**options)  # wrong options are found before a store is made
    opened = Store.create(store)
    identity = _identity(options)
    mark = f"ingested {source} {identity}"
    if opened.query("select 1 from meta where name = ?", [mark]).num_rows:
        return Ingested(source, dict.fromkeys(_SCHEMAS, 0), unchanged=True)
    done = Ingested(source)
    folder = work_folder(opened.path)
    rejects = folder / f"rejected-{source}-{identity}.jsonl" if on_error == "skip" else None
    with tempfile.TemporaryDirectory(dir=folder, prefix="ingest-") as aside:
        with terminal.progress(f"read {source}", None, "prompts") as advance:
            count = _lay_aside(_valid(records, rejects, done), Path(aside), advance)
        if not count:
            raise MissingInput(f"{source} {options}: no valid record, nothing was written")
        with opened.writing() as db:
            for table in _SCHEMAS:
                db.read_parquet(f"{aside}/{table}.parquet").create_view("_laid_aside")
                conflict = _CONFLICT.get(table, "refuse")
                done.added[table] = write_rows(db, table, "_laid_aside", conflict)
                db.execute("drop view _laid_aside")
            _write_llm_facts(db, source)
            if not done.rejected:
                db.execute("insert into meta values (?, ?)", [mark, str(count)])
    return done


def _valid(
    records: Iterable[Record | BadRow], rejects: Path | None, done: Ingested
) -> Iterator[Record]:
    listing = rejects.open("w", encoding="utf-8", errors="replace") if rejects else None
    try:
        for record in records:
            if isinstance(record, Record):
                yield record
                continue
            if listing is None:
                raise record
            done.rejected, done.rejects = done.rejected + 1, rejects
            reason = {
                "file": record.file, "line": record.line, "field": record.field,
                "reason": record.reason, "row": record.row,
            }  # fmt: skip
            listing.write(json.dumps(reason, ensure_ascii=False) + "\n")
    finally:
        if listing:
            listing.close()


def _lay_aside(records: Iterable[Record], folder: Path, advance: Any) -> int:
    writers = {
        table: pq.ParquetWriter(folder / f"{table}.parquet", schema)
        for table, schema in _SCHEMAS.items()
    }
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in _SCHEMAS}
    llms: set[str] = set()
    count = 0

    def flush() -> None:
        for table, waiting in rows.items():
            writers[table].write_table(pa.Table.from_pylist(waiting, _SCHEMAS[table]))
            waiting.clear()

    for record in records:
        _add(rows, record, llms)
        count += 1
        advance()
        if count % _BATCH == 0:
            flush()
    flush()
    for writer in writers.values():
        writer.close()
    return count


def _add(rows: dict[str, list[dict[str, Any]]], record: Record, llms: set[str]) -> None:
    prompt = prompt_id(record.dataset, record.instruction, record.input)
    rows["prompts"].append(
        {
            "prompt_id": prompt, "dataset": record.dataset,
            "split": record.split or split_of(record.instruction, record.input),
            "instruction": record.instruction, "input": record.input,
            "reference": record.reference, "category": record.category,
        }
    )  # fmt: skip
    ids: dict[tuple[str, str | None], str] = {}
    for c in record.candidates:
        key = candidate_id(prompt, c.llm, c.decoding, c.text)
        for decoding in (None, c.decoding):
            ids.setdefault((c.llm, decoding), key)
        if c.llm not in llms:
            llms.add(c.llm)
            rows["llms"].append({"llm": c.llm})
        rows["candidates"].append(
            {
                "candidate_id": key, "prompt_id": prompt, "llm": c.llm, "text": c.text,
                "decoding": c.decoding, "tokens_in": c.tokens_in, "tokens_out": c.tokens_out,
                "usd": c.usd, "latency_s": c.latency_s,
            }
        )  # fmt: skip
        rows["qualities"] += [
            {"candidate_id": key, "measure": m, "value": v} for m, v in c.qualities.items()
        ]
    rows["verdicts"] += [
        {
            "prompt_id": prompt, "left_id": ids[v.left_llm, v.left_decoding],
            "right_id": ids[v.right_llm, v.right_decoding], "judge": v.judge, "verdict": v.verdict,
        }
        for v in record.verdicts
    ]  # fmt: skip
    rows["tags"] += [{"prompt_id": prompt, "tag": t, "tagger": record.tagger} for t in record.tags]


def _write_llm_facts(db: Any, source: str) -> None:
    module = importlib.import_module(SOURCES[source].partition(":")[0])
    if hasattr(module, "llms"):
        facts = [fact._asdict() for fact in module.llms()]
        db.register("_facts", pa.Table.from_pylist(facts, _FACTS))
        fill_facts(db, "_facts")


def _identity(options: dict[str, Any]) -> str:
    """Hash of the options and of the size and time of every file that `path` names."""
    path = options.get("path")
    files: list[Any] = []
    if path and Path(path).exists():
        found = [p for p in [Path(path), *sorted(Path(path).rglob("*"))] if p.is_file()]
        files = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in found]
    text = json.dumps([options, files], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
