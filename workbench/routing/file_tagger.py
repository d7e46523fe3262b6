"""Tags that stand in a file."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from workbench import terminal
from workbench.errors import BadRow, BadValue, MissingInput, UnknownName
from workbench.routing.tagger import Prompt, Tagger, Tags
from workbench.sources.csv_rows import csv_rows
from workbench.sources.lines import json_lines, require_file
from workbench.sources.row import Row, shown
from workbench.store.ids import prompt_id
from workbench.store.store import Store

FIELDS = ("prompt_id", "dataset", "instruction", "input", "tags")
_KINDS = (".jsonl.gz", ".jsonl", ".csv")


class FileTagger(Tagger):
    """Tags of a file, JSON lines (.jsonl, .jsonl.gz) or CSV with a head.

    A row has `tags` and either `prompt_id` or `dataset`, `instruction` and, where the prompt has
    one, `input`. Tags are a JSON array of texts; in CSV they may be parted by semicolons too.

    Args:
        path: the file.
        label: what the name calls it, `file[LABEL]`; null takes the file's name.

    Raises:
        BadValue: a file of another kind.
    """

    kind = "file"

    def __init__(self, path: str, *, label: str | None = None) -> None:
        file = Path(path).expanduser()
        kind = next((kind for kind in _KINDS if file.name.endswith(kind)), None)
        if kind is None:
            raise BadValue("path", path, f"a file {', '.join(_KINDS)}")
        super().__init__(file.name.removesuffix(kind) if label is None else label)
        self.path, self._csv = str(file), kind == ".csv"
        self._tags: dict[str, Tags] = {}
        self._content = ""

    @property
    def name(self) -> str:
        """`file[LABEL]`: a file that has changed needs another label."""
        return f"{self.kind}[{self.label}]"

    def content(self) -> str:
        """Hash of the file."""
        return self._content

    def told(self) -> dict[str, Any]:
        """Where the file was."""
        return {"path": self.path}

    def prepare(self, store: Store, datasets: Sequence[str] | None) -> Self:
        """Reads the file; tells of rows whose prompt the store does not hold.

        Raises:
            BadSource: it is not there, or no such file as its name says.
            BadRow: a row that cannot be used, or is of a prompt that stood before.
            MissingInput: the store holds none of its prompts.
        """
        file = require_file(self.path)
        rows = csv_rows(self.path) if self._csv else json_lines(self.path)
        self._tags, lines = _read(self.path, rows)
        self._content = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        held = store.query("select prompt_id from prompts")["prompt_id"].to_pylist()
        ids = set(held)
        unknown = [line for id, line in lines.items() if id not in ids]
        if len(unknown) == len(lines):
            raise MissingInput(
                f"{self.path}: the store holds none of its {len(lines)} prompts; do dataset, "
                "instruction and input stand there as in the store?"
            )
        if unknown:
            first = ", ".join(map(str, unknown[:5]))
            more = ", …" if len(unknown) > 5 else ""
            terminal.say(
                f"{self.path}: the store does not hold the prompts of {len(unknown)} of "
                f"{len(lines)} rows (line {first}{more})"
            )
        return self

    def tags(self, prompts: Sequence[Prompt]) -> Iterator[tuple[Prompt, Tags] | None]:
        """What the file has of each prompt."""
        for prompt in prompts:
            yield prompt, self._tags.get(prompt.prompt_id, ())


def _read(path: str, rows: Iterable[Row | BadRow]) -> tuple[dict[str, Tags], dict[str, int]]:
    """Tags and line by prompt."""
    tags, lines = dict[str, Tags](), dict[str, int]()
    for row in rows:
        if isinstance(row, BadRow):
            raise row
        fields = _fields(row)
        for name in fields:
            if name not in FIELDS:
                raise row.bad(name, str(UnknownName("field", name, FIELDS)))
        id, own = _prompt(row, fields), _tags(row, fields)
        if id in lines:
            field = "prompt_id" if "prompt_id" in fields else "instruction"
            raise row.bad(field, f"this prompt stood before, on line {lines[id]}")
        tags[id], lines[id] = own, row.line
    if not lines:
        raise MissingInput(f"{path}: the file holds no rows")
    return tags, lines


def _fields(row: Row) -> dict[str, object]:
    """What is given; a cell of CSV that is empty is not, but for the tags, which are none then."""
    given = {name: value for name, value in row.fields().items() if value is not None}
    if isinstance(row.raw, bytes):
        return given
    cells = {name: value for name, value in given.items() if value != "" or name not in FIELDS}
    return cells | ({"tags": _cell(row, str(given["tags"]))} if "tags" in given else {})


def _cell(row: Row, text: str) -> object:
    """Tags of a cell."""
    if not text.lstrip().startswith("["):
        return [tag for tag in text.split(";") if tag.strip()]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise row.bad("tags", f"broken JSON: {error}: {shown(text)}") from None


def _prompt(row: Row, fields: Mapping[str, object]) -> str:
    if "prompt_id" in fields:
        if "instruction" in fields:
            raise row.bad("prompt_id", "stands beside an instruction: give one of them")
        return row.name(fields, "prompt_id")
    if "instruction" not in fields and "input" not in fields:
        raise row.bad("prompt_id", "missing, and so is an instruction in its place")
    instruction, extra = row.prompt({"instruction": "", **fields})
    return prompt_id(row.name(fields, "dataset"), instruction, extra)


def _tags(row: Row, fields: Mapping[str, object]) -> Tags:
    if "tags" not in fields:
        raise row.bad("tags", "missing")
    return tuple(dict.fromkeys(text.strip() for text in row.texts(fields, "tags")))
