"""What a schedule had compared, and prompts in chunks that bound the memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadValue

# Cells [Q, N, N] that are worked on at a time.
_CHUNK_CELLS = 1 << 18


@dataclass(frozen=True)
class Played:
    """What a schedule had compared.

    Attributes:
        logits: [Q, N, N] float, NaN where not compared.
        comparisons: [Q] int64 ordered presentations that were compared.
        complete: [Q] bool; False: a pair that the schedule needed could not be had.
        outcome: [Q, N] scores of the schedule's own, −inf outside the mask; None: it has none.
        missing: (row, column, column) of the first pair that could not be had.
    """

    logits: np.ndarray
    comparisons: np.ndarray
    complete: np.ndarray
    outcome: np.ndarray | None
    missing: tuple[int, int, int] | None = None


def check_complete(played: Played, what: str) -> None:
    """Raises BadValue with the first pair that could not be had; `what` asked for it."""
    if played.missing is not None:
        row, i, j = played.missing
        raise BadValue(
            f"pair ({i}, {j}) of prompt row {row}",
            None,
            f"a comparison in an order that is used: {what} needs it",
        )


def joined(parts: Sequence[Played]) -> Played:
    """One `Played` of chunks of prompts, in their order."""
    outcomes = [part.outcome for part in parts if part.outcome is not None]
    missing, start = None, 0
    for part in parts:
        if missing is None and part.missing is not None:
            row, i, j = part.missing
            missing = start + row, i, j
        start += len(part.comparisons)
    return Played(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.comparisons for part in parts]),
        np.concatenate([part.complete for part in parts]),
        np.concatenate(outcomes) if outcomes else None,
        missing,
    )


def chunks(mask: np.ndarray) -> Iterator[slice]:
    """Rows of Q prompts with N candidates, so many at a time as memory allows; at least once."""
    queries, width = mask.shape
    size = max(1, _CHUNK_CELLS // max(width * width, 1))
    for start in range(0, max(queries, 1), size):
        yield slice(start, start + size)
