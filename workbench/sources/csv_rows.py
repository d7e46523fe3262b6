"""Rows of a CSV file with a head, one by one, with the line on which each begins."""

import csv
from collections.abc import Iterator

from workbench.errors import BadRow, BadSource
from workbench.sources.lines import require_file
from workbench.sources.row import WHOLE_ROW, Row


def csv_rows(path: str) -> Iterator[Row | BadRow]:
    """The rows as objects whose values are all text; blank lines are passed over.

    A row with more or fewer cells than the head is a BadRow. BadSource where the file is missing,
    is no text or no CSV; or has no head, at the call.
    """
    file = require_file(path)
    rows = _read(path)
    line, head = next(rows, (0, []))
    if not head:
        raise BadSource(f"{file}: the file holds no head, which names the columns")
    if len(set(head)) < len(head):
        twice = next(name for name in head if head.count(name) > 1)
        raise BadSource(f"{file}, line {line}: two columns are called '{twice}'")
    return _named(path, head, rows)


def _named(
    path: str, head: list[str], rows: Iterator[tuple[int, list[str]]]
) -> Iterator[Row | BadRow]:
    for line, cells in rows:
        row = Row(path, line, dict(zip(head, cells, strict=False)))
        if len(cells) != len(head):
            yield row.bad(WHOLE_ROW, f"{len(cells)} cells, where the head has {len(head)}")
        else:
            yield row


def _read(path: str) -> Iterator[tuple[int, list[str]]]:
    begin = 1
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if cells:
                    yield begin, cells
                begin = reader.line_num + 1
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadSource(f"{path}, line {begin}: cannot be read as CSV: {error}") from error
