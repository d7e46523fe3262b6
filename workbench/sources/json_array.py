"""Rows of a file that holds one JSON array, with the line of the file on which each begins."""

import json
import re
from collections.abc import Iterator

from workbench.errors import BadRow, BadSource
from workbench.sources.lines import require_file
from workbench.sources.row import WHOLE_ROW, Row

SPACE = re.compile(r"\s*")


def json_array(path: str) -> Iterator[Row | BadRow]:
    """The items of the array, parsed one by one.

    Where an item is broken JSON, the rest of the file cannot be told apart: a BadRow is yielded
    for it and reading ends there. BadSource where the file is missing or holds no array.
    """
    try:
        text = require_file(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSource(f"{path}: cannot be read: {error}") from error
    place = _after_space(text, 0)
    if not text.startswith("[", place):
        raise BadSource(f"{path}: expected one JSON array of objects")
    return _items(path, text, _after_space(text, place + 1))


def _items(path: str, text: str, place: int) -> Iterator[Row | BadRow]:
    decoder = json.JSONDecoder()
    line, counted = 1, 0
    more = text[place : place + 1] != "]"
    while more:
        line += text.count("\n", counted, place)
        counted = place
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            yield _broken(path, line, text[counted:], str(error))
            return
        yield Row(path, line, value)
        place = _after_space(text, place)
        mark = text[place : place + 1]
        if mark not in (",", "]"):
            line += text.count("\n", counted, place)
            yield _broken(path, line, text[place:], "expected ',' or ']' after an item")
            return
        place = _after_space(text, place + 1)
        more = mark == ","


def _broken(path: str, line: int, rest: str, reason: str) -> BadRow:
    reason = f"broken JSON: {reason}; the rest of the file is not read"
    return BadRow(path, line, WHOLE_ROW, reason, row=rest[:1000])


def _after_space(text: str, place: int) -> int:
    found = SPACE.match(text, place)
    return found.end() if found else place
