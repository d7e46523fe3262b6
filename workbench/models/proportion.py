"""Progress told in the units of whoever asked."""

from collections.abc import Callable


def in_proportion(
    progress: Callable[[int], None] | None, rows: int, items: int
) -> Callable[[int], None]:
    """Tells of rows read as the items that are done by them, in proportion; None hears nothing."""
    read = told = 0

    def advance(count: int) -> None:
        nonlocal read, told
        if progress is None:
            return
        read += count
        done = items * read // rows
        progress(done - told)
        told = done

    return advance
