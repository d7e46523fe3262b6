"""Flat rows, one a candidate, in JSON lines (.jsonl, .jsonl.gz) or Parquet.

| field               | type            | meaning                                             |
|---------------------|-----------------|-----------------------------------------------------|
| `instruction` *     | text            | the prompt                                          |
| `llm` *             | text            | who answered                                        |
| `text`              | text            | the answer; may be empty, see below                 |
| `input`             | text            | the prompt's further text                           |
| `reference`         | text            | the reference answer                                |
| `category`          | text            | the prompt's subset or task                         |
| `split`             | text            | train, validation or test; without it, by hash      |
| `tags`              | array of texts  | the prompt's tags                                   |
| `decoding`          | text            | how the answer was decoded                          |
| `tokens_in`         | whole number    | tokens of the prompt                                |
| `tokens_out`        | whole number    | tokens of the answer                                |
| `usd`               | number          | what the answer cost, in USD                        |
| `latency_s`         | number          | how long it took, in seconds                        |
| `quality.<measure>` | number          | a quality of the answer, one field a measure        |

Fields with * must be there; any other may be missing or null, and is then not known (a quality:
not measured). So may the text where the row has a quality: routers learn from that alone. The
rows of a prompt (same instruction and input) stand together, so that a file of any size is read
in little memory, and agree in everything that is the prompt's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workbench.errors import BadRow, UnknownName
from workbench.sources.chosen import check_chosen, check_llms
from workbench.sources.distinct import Seen
from workbench.sources.lines import json_lines
from workbench.sources.parquet_rows import parquet_rows
from workbench.sources.record import Candidate, Record
from workbench.sources.row import Fields, Row, shown

REQUIRED = ("instruction", "llm")
FIELDS = (
    *REQUIRED,
    "text",
    "input",
    "reference",
    "category",
    "split",
    "tags",
    "decoding",
    "tokens_in",
    "tokens_out",
    "usd",
    "latency_s",
)
QUALITY = "quality."
PROMPT_FIELDS = ("reference", "category", "split", "tags")
TOGETHER = "; the rows of a prompt must stand together"


def read_jsonl(
    path: str, *, dataset: str = "jsonl", llms: list[str] | None = None, limit: int | None = None
) -> Iterator[Record | BadRow]:
    """Reads JSON lines, one a candidate.

    A row has instruction, llm and text (or a quality alone), and may have input, reference,
    category, split, tags, decoding, tokens_in, tokens_out, usd, latency_s and any
    quality.<measure>.

    Args:
        path: A .jsonl or .jsonl.gz file in which the rows of a prompt stand together.
        dataset: Name of the dataset in the store.
        llms: LLMs whose candidates are read (default: all). Prompts without any are left out.
        limit: At most this many prompts (default: all).

    Raises:
        BadSource: The file is missing or of another format.
        UnknownName: One of `llms` has no row.
        BadValue: `limit` is under 1, or `llms` is empty.
    """
    check_chosen(llms, limit)
    if llms is not None:
        check_llms(llms, _named(json_lines(path)))
    return _records(json_lines(path), dataset, llms, limit)


def read_parquet(
    path: str, *, dataset: str = "parquet", llms: list[str] | None = None, limit: int | None = None
) -> Iterator[Record | BadRow]:
    """Reads a Parquet file, one row a candidate.

    A row has instruction, llm and text (or a quality alone), and may have input, reference,
    category, split, tags, decoding, tokens_in, tokens_out, usd, latency_s and any
    quality.<measure>.

    Args:
        path: A Parquet file in which the rows of a prompt stand together.
        dataset: Name of the dataset in the store.
        llms: LLMs whose candidates are read (default: all). Prompts without any are left out.
        limit: At most this many prompts (default: all).

    Raises:
        BadSource: The file is missing, of another format, or lacks a column that must be there.
        UnknownName: A column that is not of the schema, or one of `llms` that has no row.
        BadValue: `limit` is under 1, or `llms` is empty.
    """
    check_chosen(llms, limit)
    if llms is not None:
        check_llms(llms, _named(_parquet(path)))
    return _records(_parquet(path), dataset, llms, limit)


def _named(rows: Iterator[Row]) -> Iterator[str]:
    for row in rows:
        try:
            yield row.name(row.fields(), "llm")
        except BadRow:
            continue  # reported by the reading itself


def _parquet(path: str) -> Iterator[Row]:
    return parquet_rows(path, REQUIRED, _is_field, (*FIELDS, QUALITY + "<measure>"))


def _is_field(name: str) -> bool:
    return name in FIELDS or (name.startswith(QUALITY) and name != QUALITY)


@dataclass
class _Group:
    """The rows of one prompt, as far as they have been read: its record, without candidates yet."""

    prompt: Record
    candidates: list[Candidate]

    def has(self, prompt: Record) -> bool:
        return (prompt.instruction, prompt.input) == (self.prompt.instruction, self.prompt.input)

    def add(self, row: Row, prompt: Record, candidate: Candidate) -> None:
        for name in PROMPT_FIELDS:
            first, here = getattr(self.prompt, name), getattr(prompt, name)
            if first != here:
                raise row.bad(
                    name,
                    f"differs within one prompt: {shown(first)} on line {self.prompt.line}, "
                    f"here {shown(here)}",
                )
        key = (candidate.llm, candidate.decoding, candidate.text)
        if key in ((other.llm, other.decoding, other.text) for other in self.candidates):
            same = "stood without a text" if candidate.text is None else "gave the same text"
            raise row.bad("text", f"{candidate.llm} {same} before, with this decoding")
        self.candidates.append(candidate)


def _records(
    rows: Iterator[Row], dataset: str, llms: list[str] | None, limit: int | None
) -> Iterator[Record | BadRow]:
    read = 0
    for group in _groups(rows, dataset):
        if isinstance(group, BadRow):
            yield group
            continue
        candidates = tuple(c for c in group.candidates if llms is None or c.llm in llms)
        if not candidates:  # none of the wanted LLMs answered this prompt
            continue
        yield replace(group.prompt, candidates=candidates)
        read += 1
        if read == limit:
            return


def _groups(rows: Iterator[Row], dataset: str) -> Iterator[_Group | BadRow]:
    seen = Seen()
    group: _Group | None = None
    for row in rows:
        try:
            fields = row.fields()
            prompt, candidate = _prompt(row, fields, dataset), _candidate(row, fields)
            if group is not None and group.has(prompt):
                group.add(row, prompt, candidate)
                continue
            seen.accept(row, prompt.instruction, prompt.input, hint=TOGETHER)
        except BadRow as bad:
            yield bad
            continue
        if group is not None:
            yield group
        group = _Group(prompt, [candidate])
    if group is not None:
        yield group


def _prompt(row: Row, fields: Fields, dataset: str) -> Record:
    for name in fields:
        if not _is_field(name):
            raise row.bad(name, str(UnknownName("field", name, (*FIELDS, QUALITY + "<measure>"))))
    instruction, extra = row.prompt(fields)
    tags = row.texts(fields, "tags")
    return Record(
        dataset=dataset,
        instruction=instruction,
        input=extra,
        candidates=(),
        file=row.file,
        line=row.line,
        reference=row.optional_text(fields, "reference") or None,
        category=row.optional_text(fields, "category"),
        split=row.split(fields, "split"),
        tags=tags,
        tagger=dataset if tags else "",
    )


def _candidate(row: Row, fields: Fields) -> Candidate:
    measures = [name for name in fields if name.startswith(QUALITY)]
    values = {name.removeprefix(QUALITY): row.number(fields, name) for name in measures}
    qualities = {name: value for name, value in values.items() if value is not None}
    text = row.optional_text(fields, "text")
    if text is None and not qualities:
        missing = "got null" if "text" in fields else "missing"
        raise row.bad("text", f"{missing}; a row without a text needs a quality")
    return Candidate(
        llm=row.name(fields, "llm"),
        text=text,
        decoding=row.optional_text(fields, "decoding") or "",
        tokens_in=row.count(fields, "tokens_in"),
        tokens_out=row.count(fields, "tokens_out"),
        usd=row.cost(fields, "usd"),
        latency_s=row.cost(fields, "latency_s"),
        qualities=qualities,
    )
