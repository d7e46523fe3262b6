"""A table of LLMs with their sizes and prices: .csv, .json (one array) or .jsonl.

| column             | meaning                          |
|--------------------|----------------------------------|
| `llm` *            | name of the LLM                  |
| `parameters_b`     | billions of parameters           |
| `usd_per_mtok_in`  | USD per million tokens of prompt |
| `usd_per_mtok_out` | USD per million tokens of answer |

A column but `llm` may be missing, and a value null or (in CSV) empty: it is then not known.
"""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from workbench.errors import BadRow, BadSource, UnknownName
from workbench.sources.csv_rows import csv_rows
from workbench.sources.json_array import json_array
from workbench.sources.lines import json_lines
from workbench.sources.record import LLM
from workbench.sources.row import Fields, Row, shown

_READERS: dict[str, Callable[[str], Iterator[Row] | Iterator[Row | BadRow]]] = {
    ".csv": csv_rows,
    ".json": json_array,
    ".jsonl": json_lines,
}


def read_llms(path: Path, known: Collection[str]) -> list[LLM]:
    """The rows of the table, all checked.

    Args:
        path: the file.
        known: names that an LLM may have.

    Raises:
        BadSource: the file is missing, of another format, or holds no row.
        BadRow: a row with an unknown column or LLM, an LLM for the second time, or a value that
            is no number from 0 up.
    """
    if path.suffix not in _READERS:
        raise BadSource(f"{path}: expected a file that ends in {', '.join(_READERS)}")
    lines: dict[str, int] = {}
    table = []
    for row in _READERS[path.suffix](str(path)):
        if isinstance(row, BadRow):
            raise row
        found = _llm(row, path.suffix == ".csv")
        if found.llm not in known:
            raise row.bad("llm", str(UnknownName("LLM", found.llm, known)))
        if found.llm in lines:
            raise row.bad("llm", f"'{found.llm}' stands on line {lines[found.llm]} too")
        lines[found.llm] = row.line
        table.append(found)
    if not table:
        raise BadSource(f"{path}: the table holds no row")
    return table


def _llm(row: Row, in_csv: bool) -> LLM:
    fields = row.fields()
    for name in fields:
        if name not in LLM._fields:
            raise row.bad(name, str(UnknownName("column", name, LLM._fields)))
    llm = row.name(fields, "llm").strip()
    facts: Fields = {name: fields.get(name) for name in LLM._fields[1:]}
    if in_csv:
        facts = {name: _cell(row, name, value) for name, value in facts.items()}
    return LLM(llm, *(row.cost(facts, name) for name in facts))


def _cell(row: Row, name: str, value: object) -> float | None:
    """The number in a cell, None where the cell is empty."""
    text = "" if value is None else str(value).strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise row.bad(name, f"expected a number, got {shown(text)}") from None
