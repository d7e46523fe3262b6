"""What a person sees in the terminal: tables on stdout, progress and notes on stderr."""

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

# Names, paths and texts of LLMs may hold brackets, which are no markup.
out = Console(soft_wrap=True, markup=False)
notes = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def say(text: str) -> None:
    """A line on stderr about what is going on. Shown as it is: no markup is read from it."""
    notes.print(text)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A rich table: columns of numbers are aligned right, all as plain text."""
    drawn = Table(title=Text(title, "bold"), title_justify="left")
    for index, column in enumerate(columns):
        number = any(isinstance(row[index], int | float) for row in rows)
        drawn.add_column(Text(column), justify="right" if number else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*[Text(shown(cell)) for cell in row])
    return drawn


def shown(cell: Any) -> str:
    """A cell as text: floats with four significant digits, None as a dash."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.4g}"
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
