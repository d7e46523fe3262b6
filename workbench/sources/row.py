"""A raw row of a source, and the checks of its fields that all sources share.

Every check raises a BadRow that names the file, the line and the field
(`candidates[3].scores.bleu`), so that a parser reads as a description of its format.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from workbench.errors import BadRow
from workbench.store.ids import SPLITS

WHOLE_ROW = "(row)"
"""The field of a fault that is in no single field, such as broken JSON."""
LARGEST_COUNT = 2**31 - 1

Fields = Mapping[str, object]


@dataclass(frozen=True)
class Row:
    """One row as it stands in its source: the bytes of a JSON line, or a value already parsed."""

    file: str
    line: int
    raw: object

    def bad(self, field: str, reason: str) -> BadRow:
        """The error for this row."""
        if isinstance(self.raw, bytes):
            text = self.raw.decode("utf-8", "backslashreplace")
        else:
            text = json.dumps(self.raw, default=str)
        return BadRow(self.file, self.line, field, reason, row=text)

    def fields(self) -> dict[str, object]:
        """The row as an object; BadRow where it is broken JSON or no object."""
        value = self.raw
        if isinstance(value, bytes):
            try:
                value = json.loads(value.decode("utf-8-sig"))
            except UnicodeDecodeError as error:
                raise self.bad(WHOLE_ROW, f"not UTF-8: {error.reason} at byte {error.start}") from (
                    None
                )
            except json.JSONDecodeError as error:
                raise self.bad(
                    WHOLE_ROW, f"broken JSON: {error.msg} at character {error.pos}"
                ) from None
            except (ValueError, RecursionError) as error:  # huge integers, deep nesting
                raise self.bad(WHOLE_ROW, f"broken JSON: {error}") from None
        return self.mapping(value, WHOLE_ROW)

    def mapping(self, value: object, field: str) -> dict[str, object]:
        """`value` as an object with text keys."""
        if not isinstance(value, dict):
            raise self.bad(field, f"expected an object, got {shown(value)}")
        for key in value:
            self._storable(key, field)
        return cast(dict[str, object], value)

    def array(self, value: object, field: str) -> list[object]:
        """`value` as an array."""
        if not isinstance(value, list):
            raise self.bad(field, f"expected an array, got {shown(value)}")
        return value

    def text(self, fields: Fields, key: str, at: str = "") -> str:
        """The text under `key`, which must be there; `at` is the path of `fields` in the row."""
        if key not in fields:
            raise self.bad(at + key, "missing")
        value = fields[key]
        if not isinstance(value, str):
            raise self.bad(at + key, f"expected text, got {shown(value)}")
        self._storable(value, at + key)
        return value

    def name(self, fields: Fields, key: str, at: str = "") -> str:
        """A text that must be there and not be blank, such as the name of an LLM."""
        value = self.text(fields, key, at)
        if not value.strip():
            raise self.bad(at + key, "empty")
        return value

    def optional_text(self, fields: Fields, key: str, at: str = "") -> str | None:
        """The text under `key`; None where it is missing or null."""
        return None if fields.get(key) is None else self.text(fields, key, at)

    def texts(self, fields: Fields, key: str) -> tuple[str, ...]:
        """The array of distinct texts under `key`; empty where it is missing or null."""
        if fields.get(key) is None:
            return ()
        values = self.array(fields[key], key)
        named = {f"{key}[{i}]": value for i, value in enumerate(values)}
        return tuple(dict.fromkeys(self.name(named, name) for name in named))

    def number(self, fields: Fields, key: str, at: str = "") -> float | None:
        """The finite number under `key`; None where it is missing or null. True is no number."""
        value = fields.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.bad(at + key, f"expected a number, got {shown(value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.bad(at + key, f"expected a finite number, got {shown(value)}")
        return number

    def cost(self, fields: Fields, key: str, at: str = "") -> float | None:
        """A number that is at least 0."""
        number = self.number(fields, key, at)
        if number is not None and number < 0:
            raise self.bad(at + key, f"expected a number of at least 0, got {shown(number)}")
        return number

    def count(self, fields: Fields, key: str, at: str = "") -> int | None:
        """A whole number that is at least 0; 12.0 counts as 12, as in columns with gaps."""
        number = self.cost(fields, key, at)
        if number is None:
            return None
        if number != int(number) or number > LARGEST_COUNT:
            raise self.bad(at + key, f"expected a whole number, got {shown(fields[key])}")
        return int(number)

    def split(self, fields: Fields, key: str) -> str | None:
        """The name of a split; None where it is missing or null."""
        value = self.optional_text(fields, key)
        if value is not None and value not in SPLITS:
            raise self.bad(key, f"unknown split {shown(value)}. Valid: {', '.join(SPLITS)}")
        return value

    def prompt(self, fields: Fields) -> tuple[str, str]:
        """Instruction and input; an input may be missing, but not both may be blank."""
        instruction = self.text(fields, "instruction")
        extra = self.optional_text(fields, "input") or ""
        if not instruction.strip() and not extra.strip():
            raise self.bad("instruction", "empty, and so is the input: there is no prompt")
        return instruction, extra

    def _storable(self, value: object, field: str) -> None:
        """Neither Arrow nor DuckDB can hold half a character or a NUL."""
        if not isinstance(value, str):
            raise self.bad(field, f"expected a text key, got {shown(value)}")
        if "\x00" in value:
            raise self.bad(field, f"holds a NUL character at position {value.index(chr(0))}")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self.bad(
                field, f"holds a lone surrogate (half a character) at position {error.start}"
            ) from None


def shown(value: object) -> str:
    """A value for a message: short, and with its type where that is the point."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence):
        return "an array"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
