"""A fusion prompt as pieces of token ids, put together so that it fits."""

from collections.abc import Sequence
from typing import NamedTuple

from workbench.errors import BadValue
from workbench.fusion.budget import shares


class Asked(NamedTuple):
    """One prompt's texts; candidates in the order to be shown."""

    instruction: str
    input: str
    candidates: Sequence[str]


class Limits(NamedTuple):
    """Most tokens of each part's text, None: no limit of its own, and of the whole."""

    instruction: int | None
    input: int | None
    candidate: int | None
    whole: int


class Piece(NamedTuple):
    """Token ids: the first `fixed` are the template's words, the rest is somebody's text.

    `part` says whose: "instruction", "input" or "candidate"; "" for words alone. Of the text at
    most `limit` tokens stay.
    """

    ids: Sequence[int]
    fixed: int
    part: str = ""
    limit: int | None = None

    @property
    def free(self) -> int:
        """Tokens of the text, after its own limit."""
        free = len(self.ids) - self.fixed
        return free if self.limit is None else min(free, self.limit)


def words(ids: Sequence[int]) -> Piece:
    """A piece that is never cut."""
    return Piece(ids, len(ids))


def fitted(pieces: Sequence[Piece], whole: int) -> list[int]:
    """The ids of all pieces, at most `whole`, see `shares`.

    Raises:
        BadValue: the words alone are more.
    """
    room = whole - sum(piece.fixed for piece in pieces)
    check_room(room, whole)
    free = {
        part: [piece.free for piece in pieces if piece.part == part]
        for part in ("instruction", "input", "candidate")
    }
    kept = shares(sum(free["instruction"]), sum(free["input"]), free["candidate"], room)
    candidates = iter(kept.candidates)
    ids: list[int] = []
    for piece in pieces:
        if piece.part == "candidate":
            share = next(candidates)
        else:
            share = {"instruction": kept.instruction, "input": kept.input}.get(piece.part, 0)
        ids += piece.ids[: piece.fixed + share]
    return ids


def check_room(room: int, whole: int) -> None:
    """Raises BadValue where words that are never cut leave less than no room for texts."""
    if room < 0:
        raise BadValue("max_length", whole, f"at least {whole - room}, the template's own words")
