"""Named exceptions: each says what was given, what would have been valid, and what to do next.

The command line prints the message of a `WorkbenchError` without a traceback and exits with 2;
anything else that escapes is a defect of the workbench and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class WorkbenchError(Exception):
    """Base of every error that a user can cause and mend."""


class UnknownName(WorkbenchError):
    """A name that is not among the valid ones; the message suggests the nearest.

    `more`: how many valid ones there are beside those given.
    """

    def __init__(self, kind: str, name: str, valid: Iterable[str], *, more: int = 0) -> None:
        self.kind, self.name, self.valid = kind, name, sorted(valid)
        near = get_close_matches(name, self.valid, n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        known = ", ".join(self.valid) or "none"
        others = f" and {more} more" if more else ""
        super().__init__(f"unknown {kind} '{name}'.{hint} Valid: {known}{others}")


class AmbiguousName(UnknownName):
    """The beginning of several names; the message tells them."""

    def __init__(self, kind: str, name: str, candidates: Iterable[str]) -> None:
        self.kind, self.name, self.valid = kind, name, list(candidates)
        WorkbenchError.__init__(
            self, f"ambiguous {kind} '{name}', which begins: {', '.join(self.valid)}"
        )


class BadValue(WorkbenchError):
    """An option or parameter whose value cannot be used."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        self.name, self.value, self.expected = name, value, expected
        super().__init__(f"{name} = {value!r}: expected {expected}")


class BadRow(WorkbenchError):
    """A row of a source that cannot be ingested: file, line (1-based), field and reason.

    `row` is the row as it stands in the source, for the file of rejected rows.
    """

    def __init__(
        self, file: str | Path, line: int, field: str, reason: str, *, row: str = ""
    ) -> None:
        self.file, self.line, self.field, self.reason = str(file), line, field, reason
        self.row = row
        super().__init__(f"{file}, line {line}, field '{field}': {reason}")


class BadSource(WorkbenchError):
    """A file, directory or hub dataset that is not there or is not what the source reads."""


class MissingInput(WorkbenchError):
    """What a stage reads is not there yet; the message names the stage that writes it."""


class BadModel(WorkbenchError):
    """A model directory or configuration that cannot be used."""


class EndpointError(WorkbenchError):
    """A model's endpoint that cannot be reached or refuses; the message says what would help."""


class NotConverged(WorkbenchError):
    """An iteration that did not reach its tolerance; the message says what would help."""


class TrackingError(WorkbenchError):
    """The MLflow tracking store cannot be used; the message names its URI."""


class StoreError(WorkbenchError):
    """Base of the store's own errors."""


class StoreMissing(StoreError):
    """There is no store at this path."""


class StoreUnreachable(StoreError):
    """The path cannot be read, written or made: permissions, a folder, a damaged file."""


class StoreBusy(StoreError):
    """Another process held the store for longer than the retry time."""


class StoreVersion(StoreError):
    """The file is no store, or its schema is newer than this code."""


class StoreConflict(StoreError):
    """A row with the same key and other values is already in the store."""
