"""PandaLM's test set (arXiv 2306.05087): pairs of two LLMs' answers with the votes of people.

Two layouts, told apart by the file's first character. The upstream file, `testset-v1.json`:

    [{"instruction", "input", "cmp_key": "A_B", "response1", "response2",
      "annotator1": 0, "annotator2": 1, "annotator3": 2, "motivation_app"}, ...]

and JSON lines (.jsonl, .jsonl.gz) of the same pairs:

    {"instruction", "input", "llms": "A_B", "response1", "response2", "votes": ["tie", "1", "2"]}

`response1` is LLM A's and stands left; a vote is for it (1), for the other (2), or neither (0,
`tie`). A prompt's pairs become one record; person i is the judge `<judge>/person<i>`, and the
prompt's `motivation_app` its category. The upstream file has been through a spreadsheet: an input
or response that is NaN or null was empty, and one that is true or a number was that as text.

In some prompts the file gives an LLM one text in one pair and another text in another. People
judged what they were shown, so each text is a candidate of its own: the first has no `decoding`,
further ones have `text 2`, `text 3`, …
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from workbench.errors import BadRow, BadValue, UnknownName
from workbench.sources.json_array import json_array
from workbench.sources.lines import BOM, json_lines, require_file
from workbench.sources.record import Candidate, Record, Verdict
from workbench.sources.row import Fields, Row, shown
from workbench.store.ids import SPLITS

Split = Literal["train", "validation", "test"]
VOTES: dict[object, str] = {"1": "left", "2": "right", "tie": "tie"}
ANNOTATIONS: dict[object, str] = {1: "left", 2: "right", 0: "tie"}
TEXTS = ("input", "response1", "response2")


def read(
    path: str,
    *,
    dataset: str = "pandalm",
    split: Split | None = "test",
    llms: list[str] | None = None,
    judge: str = "pandalm",
    limit: int | None = None,
) -> Iterator[Record | BadRow]:
    """Reads pairs of answers with people's votes, as PandaLM's test set has them.

    Args:
        path: The upstream testset-v1.json, or the pairs as .jsonl or .jsonl.gz.
        dataset: Name of the dataset in the store.
        split: The split of all prompts; test by default, because people's votes are few and are
            there to evaluate with. null: by hash of the prompt.
        llms: LLMs whose pairs are read (default: all); a pair is read where both are among them.
        judge: The people are the judges <judge>/person1, <judge>/person2 and so on.
        limit: At most this many prompts (default: all).

    Raises:
        BadSource: The file is missing or of another format.
        UnknownName: One of `llms` is in no pair, or there is no such split.
        BadValue: `llms` is empty, or `limit` is under 1.
    """
    if split is not None and split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    if limit is not None and limit < 1:
        raise BadValue("limit", limit, "a number of prompts of at least 1")
    if llms is not None and not llms:
        raise BadValue("llms", llms, "at least one LLM, or none given for all")
    keys = set(_keys(path))
    known = {name for key in keys if key.count("_") == 1 for name in key.split("_")}
    for llm in llms or ():
        if not any(key.startswith(f"{llm}_") or key.endswith(f"_{llm}") for key in keys):
            raise UnknownName("LLM", llm, known)
    return _records(path, dataset, split, frozenset(known), llms, judge, limit)


@dataclass
class _Prompt:
    """A prompt's first row, and what its pairs have brought so far."""

    row: Row
    category: str | None
    decodings: dict[str, dict[str, str]] = field(default_factory=dict)
    """LLM -> text -> decoding."""
    pairs: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)
    """(LLM, decoding) left and right -> line."""
    verdicts: list[Verdict] = field(default_factory=list)

    def shown(self, llm: str, text: str) -> tuple[str, str]:
        """The LLM with the decoding under which this text of it stands."""
        texts = self.decodings.setdefault(llm, {})
        return llm, texts.setdefault(text, f"text {len(texts) + 1}" if texts else "")


def _rows(path: str) -> Iterator[Row | BadRow]:
    with require_file(path).open("rb") as start:
        array = start.read(1024).removeprefix(BOM).lstrip().startswith(b"[")
    return json_array(path) if array else json_lines(path)


def _keys(path: str) -> Iterator[str]:
    """The texts that name two LLMs; rows that have none are reported by the reading itself."""
    for row in _rows(path):
        try:
            fields = row.fields() if isinstance(row, Row) else {}
        except BadRow:
            continue
        key = fields.get(_key_field(fields))
        if isinstance(key, str):
            yield key


def _records(
    path: str,
    dataset: str,
    split: str | None,
    known: frozenset[str],
    llms: list[str] | None,
    judge: str,
    limit: int | None,
) -> Iterator[Record | BadRow]:
    # Held in memory, since a prompt's rows need not stand together: 999 rows are 1 MB.
    prompts: dict[tuple[str, str], _Prompt] = {}
    for row in _rows(path):
        try:
            if isinstance(row, BadRow):
                raise row
            _add(prompts, row, known, llms, judge)
        except BadRow as bad:
            yield bad
    for (instruction, extra), prompt in islice(prompts.items(), limit):
        yield Record(
            dataset=dataset,
            instruction=instruction,
            input=extra,
            candidates=tuple(
                Candidate(llm, text, decoding)
                for llm, texts in prompt.decodings.items()
                for text, decoding in texts.items()
            ),
            file=prompt.row.file,
            line=prompt.row.line,
            category=prompt.category,
            split=split,
            verdicts=tuple(prompt.verdicts),
        )


def _add(
    prompts: dict[tuple[str, str], _Prompt],
    row: Row,
    known: frozenset[str],
    llms: list[str] | None,
    judge: str,
) -> None:
    fields = row.fields()
    fields |= {name: _as_text(fields[name]) for name in TEXTS if name in fields}
    named = row.prompt(fields)
    pair = _pair(row, fields, known, llms)
    left_text, right_text = row.text(fields, "response1"), row.text(fields, "response2")
    category = row.optional_text(fields, "motivation_app")
    votes = _votes(row, fields)
    if pair is None:
        return
    prompt = prompts.get(named) or _Prompt(row, category)
    left, right = prompt.shown(pair[0], left_text), prompt.shown(pair[1], right_text)
    if (left, right) in prompt.pairs:
        line = prompt.pairs[left, right]
        raise row.bad(_key_field(fields), f"duplicate pair: the same answers stand on line {line}")
    prompts[named] = prompt
    prompt.pairs[left, right] = row.line
    prompt.verdicts += [
        Verdict(left[0], right[0], f"{judge}/person{i}", vote, left[1], right[1])
        for i, vote in enumerate(votes, start=1)
    ]


def _as_text(value: object) -> object:
    """A cell of a spreadsheet as text; what is neither text nor a cell stays, and is refused."""
    if value is None or value != value:
        return ""
    return str(value) if isinstance(value, bool | int | float) else value


def _key_field(fields: Fields) -> str:
    return "cmp_key" if "cmp_key" in fields else "llms"


def _pair(
    row: Row, fields: Fields, known: frozenset[str], llms: list[str] | None
) -> tuple[str, str] | None:
    """The two LLMs of a key "A_B"; None where they are not both wanted.

    An underscore may also stand in a name. Then both names must be known: from a key with one
    underscore, or from `llms`.
    """
    field = _key_field(fields)
    key = row.name(fields, field)
    parts = key.split("_")
    cuts = [("_".join(parts[:i]), "_".join(parts[i:])) for i in range(1, len(parts))]
    cuts = [cut for cut in cuts if all(name.strip() for name in cut)]
    if not cuts:
        raise row.bad(field, f"expected two LLMs with an underscore between, got {shown(key)}")
    if len(cuts) > 1:
        names = known | set(llms or ())
        cuts = [(left, right) for left, right in cuts if left in names and right in names]
        if not cuts and llms is not None:
            return None
    if len(cuts) != 1:
        raise row.bad(
            field,
            f"which underscore of {shown(key)} parts the two LLMs? Name those that you want with "
            f"the option llms. Known: {', '.join(sorted(known)) or 'none'}",
        )
    left, right = cuts[0]
    if left == right:
        raise row.bad(field, f"compares {left} with itself")
    return (left, right) if llms is None or {left, right} <= set(llms) else None


def _votes(row: Row, fields: Fields) -> list[str]:
    """What each person said, in the file's order."""
    if "votes" in fields:
        votes = row.array(fields["votes"], "votes")
        said: dict[str, object] = {f"votes[{i}]": vote for i, vote in enumerate(votes)}
        means = VOTES
    else:
        said = {name: fields[name] for name in _annotators(fields)}
        means = ANNOTATIONS
    if not said:
        raise row.bad("votes", "missing: a pair needs at least one person's vote")
    for name, vote in said.items():
        if isinstance(vote, bool) or not isinstance(vote, str | int) or vote not in means:
            valid = ", ".join(map(str, means))
            raise row.bad(name, f"unknown vote {shown(vote)}. Valid: {valid}")
    return [means[vote] for vote in said.values()]


def _annotators(fields: Fields) -> Iterator[str]:
    number = 1
    while f"annotator{number}" in fields:
        yield f"annotator{number}"
        number += 1
