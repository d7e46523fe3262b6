"""Rows of a .jsonl or .jsonl.gz file, one by one, with their lines."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from workbench.errors import BadSource
from workbench.sources.row import Row

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"


def json_lines(path: str) -> Iterator[Row]:
    """The rows of a file of JSON lines; blank lines are passed over, but counted.

    The first row is looked at before anything is yielded: BadSource, at the call, where the file
    is missing, empty or plainly of another format, and later where a compressed file is damaged.
    """
    file = require_file(path)
    first = next(_lines(file), None)
    if first is None:
        raise BadSource(f"{path}: the file holds no rows")
    head = cast(bytes, first.raw).removeprefix(BOM)
    if head.startswith(b"PAR1"):
        raise BadSource(f"{path}: this is a Parquet file, not JSON lines; use the source 'parquet'")
    if head.startswith(b"["):
        raise BadSource(f"{path}: this is one JSON array; expected one JSON object a line")
    return _lines(file)


def require_file(path: str) -> Path:
    """`path` as a file that is there; BadSource where it is missing or a directory."""
    file = Path(path)
    if file.is_dir():
        raise BadSource(f"{path}: this is a directory; expected a file")
    if not file.exists():
        raise BadSource(f"{path}: there is no such file")
    return file


def _lines(file: Path) -> Iterator[Row]:
    number = 0
    try:
        with _open(file) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield Row(str(file), number, line.rstrip(b"\r\n"))
    except (OSError, EOFError, zlib.error) as error:
        raise BadSource(f"{file}, after line {number}: cannot be read: {error}") from error


def _open(file: Path) -> IO[bytes]:
    # Bytes, not text: a text reader would also break lines at a lone carriage return.
    with file.open("rb") as start:
        compressed = start.read(2) == GZIP
    return cast(IO[bytes], gzip.open(file, "rb")) if compressed else file.open("rb")
