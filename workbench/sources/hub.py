"""Rows of a dataset of the Hugging Face hub, or of a local folder of files, streamed."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from workbench.errors import BadSource, UnknownName
from workbench.sources.row import Row

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def hub_splits(path: str, split: str | None = None) -> dict[str, Callable[[], Iterator[Row]]]:
    """For each split (or the one asked for), a function that streams its rows from the start.

    A row's file is "<path> [<split>]", its line the number of the row in its split. Raises
    BadSource where the dataset is not there or cannot be reached, UnknownName for the split.
    """
    if not Path(path).is_dir() and not HUB_ID.fullmatch(path):
        raise BadSource(
            f"{path}: there is no such file or folder, and it is no hub id (owner/name)"
        )
    from datasets import load_dataset  # seconds to import

    try:
        found = load_dataset(path, streaming=True)
    except (OSError, ValueError) as error:
        raise BadSource(
            f"{path}: this dataset cannot be loaded ({error}). Without a network, download its "
            ".jsonl files and give their paths"
        ) from error
    if split is not None and split not in found:
        raise UnknownName(f"split of {path}", split, found)
    return {
        name: partial(_rows, f"{path} [{name}]", rows)
        for name, rows in found.items()
        if split in (None, name)
    }


def _rows(file: str, rows: Iterator[dict[str, object]]) -> Iterator[Row]:
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            yield Row(file, number, row)
    except (OSError, ValueError) as error:
        raise BadSource(f"{file}, after line {number}: cannot be read: {error}") from error
