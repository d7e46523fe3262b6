"""Price: how large LLMs are and what they cost -> `llms`."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from rich.table import Table

from workbench import terminal
from workbench.sources.llm_table import read_llms
from workbench.store.llm_facts import FACTS, fill_facts
from workbench.store.pool import names_of
from workbench.store.store import Store

_SCHEMA = pa.schema([("llm", pa.string()), *((fact, pa.float64()) for fact in FACTS)])
_KNOWN = f"select llm, {', '.join(FACTS)} from llms order by llm"  # noqa: S608


@dataclass
class Priced:
    """What is known of every LLM now: name, billions of parameters, USD per million tokens in and
    out; and how many LLMs were in the table."""

    given: int
    rows: list[tuple[str, float | None, float | None, float | None]]

    def __rich__(self) -> Table:
        columns = ("LLM", "billion parameters", "USD per Mtok in", "USD per Mtok out")
        title = f"price: the table told of {self.given} of {len(self.rows)} LLMs"
        return terminal.table(title, columns, self.rows)


def price(store: Path, path: Path) -> Priced:
    """Notes how large LLMs are and what they cost.

    Sources bring such facts for some LLMs; the table's stand in place of them. What the table
    does not tell stays as it is.

    Args:
        store: DuckDB file.
        path: table as .csv, .json or .jsonl with the columns llm, parameters_b (billions),
            usd_per_mtok_in and usd_per_mtok_out (USD per million tokens); but for llm each may be
            missing, and a value empty.

    Raises:
        BadSource: the table is missing, of another format, or empty.
        BadRow: a row with an LLM that the store does not hold, or with a value that is no number
            from 0 up; nothing is written then.
    """
    opened = Store(store)
    table = read_llms(path, names_of(opened, "llm"))
    with opened.writing() as db:
        db.register("_table", pa.Table.from_pylist([row._asdict() for row in table], _SCHEMA))
        fill_facts(db, "_table", over=True)
        rows = db.execute(_KNOWN).fetchall()
    return Priced(len(table), rows)
