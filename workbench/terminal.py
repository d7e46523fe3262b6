"""What a person sees in the terminal: tables on stdout, progress and notes on stderr."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

# A number, alone, in percent or before its interval; or a dash for none.
_NUMBER = re.compile(r"–|[-+]?(\d[\d,.]*(e[-+]?\d+)?|nan|inf)( ?%)?( \[.*\])?")
_PROSE_COLUMNS = 80

# Names, paths and texts of LLMs may hold brackets and colons, which are no markup.
out = Console(soft_wrap=True, markup=False, emoji=False)
notes = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def say(text: str) -> None:
    """A line on stderr about what is going on. Shown as it is: no markup is read from it."""
    notes.print(text)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str | None = None
) -> Table:
    """A rich table, all as plain text: brackets in names are no markup.

    Columns of numbers, with or without an interval, are aligned right and never broken.

    Args:
        title: a line above.
        columns: heads.
        rows: cells, see `shown`.
        caption: what stands below, wrapped to 80 columns.
    """
    drawn = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        caption=wrapped(caption) if caption else None,
        caption_justify="left",
    )
    for index, column in enumerate(columns):
        number = all(_is_number(row[index]) for row in rows)
        # Names give way to numbers, but not all of it.
        least = None if number else min(12, max(map(len, column.splitlines()), default=0))
        drawn.add_column(
            Text(column),
            justify="right" if number else "left",
            no_wrap=number,
            overflow="fold",
            min_width=least,
        )
    for row in rows:
        drawn.add_row(*[Text(shown(cell)) for cell in row])
    return drawn


def wrapped(text: str) -> Text:
    """Prose in lines of at most 80 columns, however wide the terminal or the file is."""
    return Text(textwrap.fill(text, _PROSE_COLUMNS, break_on_hyphens=False), justify="left")


def _is_number(cell: Any) -> bool:
    return cell is None or bool(_NUMBER.fullmatch(shown(cell)))


def shown(cell: Any) -> str:
    """A cell as text: floats with four significant digits, from 1,000 on whole; None as a dash."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


@contextmanager
def progress(description: str, total: int | None, unit: str) -> Iterator[Any]:
    """A progress bar with the time left; yields a function that takes the number just done."""
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=notes) as bar:
        task = bar.add_task(description, total=total)

        def advance(steps: int = 1) -> None:
            bar.update(task, advance=steps)

        yield advance
