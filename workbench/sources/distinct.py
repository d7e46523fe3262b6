"""What must not stand twice in one reading of a source: ids, prompts, candidates of a prompt."""

from collections.abc import Sequence

from workbench.sources.record import Candidate
from workbench.sources.row import Row, shown
from workbench.store.ids import prompt_id


class Seen:
    """Ids and prompts accepted so far, each with its place; about 200 bytes a row."""

    def __init__(self) -> None:
        self._ids: dict[str | int, tuple[str, int]] = {}
        self._prompts: dict[str, tuple[str, int]] = {}

    def accept(
        self,
        row: Row,
        instruction: str,
        input: str,
        id: str | int | None = None,
        *,
        field: str = "instruction",
        hint: str = "",
    ) -> None:
        """Notes the row's prompt and id; BadRow, and nothing noted, where one was there before.

        `field` is where the row has its prompt. Called last, so that a row rejected for another
        reason does not stand in the way of a good one with the same id.
        """
        digest = prompt_id("", instruction, input)
        if id is not None and id in self._ids:
            raise row.bad("id", f"duplicate id {shown(id)}, first {_place(row, self._ids[id])}")
        if digest in self._prompts:
            raise row.bad(
                field,
                "duplicate prompt: the same instruction and input stand "
                f"{_place(row, self._prompts[digest])}{hint}",
            )
        here = (row.file, row.line)
        self._prompts[digest] = here
        if id is not None:
            self._ids[id] = here


def check_candidates(row: Row, candidates: Sequence[Candidate]) -> None:
    """BadRow where there is no candidate, or two with the same LLM, decoding and text."""
    if not candidates:
        raise row.bad("candidates", "empty: a prompt needs at least one candidate")
    first: dict[tuple[str, str, str | None], int] = {}
    for i, candidate in enumerate(candidates):
        key = (candidate.llm, candidate.decoding, candidate.text)
        if key in first:
            raise row.bad(
                f"candidates[{i}]",
                f"the same LLM ({candidate.llm}), decoding and text as candidates[{first[key]}]",
            )
        first[key] = i


def _place(row: Row, place: tuple[str, int]) -> str:
    file, line = place
    return f"on line {line}" if file == row.file else f"in {file}, line {line}"
