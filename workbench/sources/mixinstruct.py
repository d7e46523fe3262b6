"""MixInstruct records: a .jsonl or .jsonl.gz file, or a dataset of the hub.

One record a line, as LLM-Blender (ACL 2023) publishes them; UnifiedFeedback and RewardBench
conversions have the same form:

    {"id", "instruction", "input", "output",
     "candidates": [{"model", "decoding_method", "text", "scores": {measure: number or null}}],
     "cmp_results": "{\\"modelA,modelB\\": \\"A is better\\"}"}

`instruction`, `candidates`, and each candidate's `model` and `text` must be there. `output` is
the reference; scores become qualities under their own names, and a score that is null or missing
was not measured. `cmp_results` (a JSON text, may be null) become verdicts. Two more fields are
read where a file has them: `category` (text) and `tags` (array of texts).
"""

import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

from workbench.errors import BadRow, BadValue, UnknownName
from workbench.sources.distinct import Seen, check_candidates
from workbench.sources.hub import hub_splits
from workbench.sources.lines import json_lines
from workbench.sources.record import Candidate, Record, Verdict
from workbench.sources.row import Fields, Row, shown
from workbench.store.ids import SPLITS

Split = Literal["train", "validation", "test"]
VERDICT_OF = {
    "A is better": "left",
    "B is better": "right",
    "Same good": "both good",
    "Same bad": "both bad",
}
LINE_SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".gz")


def read(
    path: str,
    *,
    dataset: str = "mix-instruct",
    split: Split | None = None,
    llms: list[str] | None = None,
    judge: str = "chatgpt",
    limit: int | None = None,
) -> Iterator[Record | BadRow]:
    """Reads MixInstruct records.

    Args:
        path: A .jsonl or .jsonl.gz file, a folder of such files named by split, or a dataset's id
            on the hub, such as llm-blender/mix-instruct (streamed).
        dataset: Name of the dataset in the store.
        split: For a file, the split that all its rows are of (default: by hash of the prompt).
            For a hub dataset or folder, the one split to read (default: all; rows of a split that
            is not train, validation or test are split by hash).
        llms: LLMs whose candidates are read (default: all). Prompts without any are left out.
        judge: Name of the judge whose verdicts cmp_results holds.
        limit: At most this many prompts (default: all).

    Raises:
        BadSource: The path is missing or another format, or the hub cannot be reached.
        UnknownName: One of `llms` has no candidate anywhere in the source.
        BadValue: `split` or `limit` cannot be used.
    """
    if split is not None and split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    if limit is not None and limit < 1:
        raise BadValue("limit", limit, "a number of prompts of at least 1")
    rows = _rows(path, split)
    if llms is not None:
        _check_llms(llms, rows())
    return _records(rows(), dataset, llms, judge, limit)


def _rows(path: str, split: str | None) -> Callable[[], Iterator[tuple[Row, str | None]]]:
    """A function that starts reading from the beginning: rows with the split they are of."""
    if Path(path).is_file() or (path.endswith(LINE_SUFFIXES) and not Path(path).is_dir()):
        return lambda: ((row, split) for row in json_lines(path))
    splits = hub_splits(path, split)
    return lambda: chain.from_iterable(
        ((row, name if name in SPLITS else None) for row in rows()) for name, rows in splits.items()
    )


def _check_llms(llms: list[str], rows: Iterator[tuple[Row, str | None]]) -> None:
    """Reads until every wanted LLM has been met, which is at once unless a name is wrong."""
    if not llms:
        raise BadValue("llms", llms, "at least one LLM, or none given for all")
    met: set[str] = set()
    for row, _ in rows:
        try:
            met.update(candidate.llm for candidate in _candidates(row, row.fields()))
        except BadRow:
            continue  # reported by the reading itself
        if met.issuperset(llms):
            return
    raise UnknownName("LLM", next(llm for llm in llms if llm not in met), met)


def _records(
    rows: Iterator[tuple[Row, str | None]],
    dataset: str,
    llms: list[str] | None,
    judge: str,
    limit: int | None,
) -> Iterator[Record | BadRow]:
    seen = Seen()
    read = 0
    for row, split in rows:
        try:
            record = _record(row, seen, dataset, split, llms, judge)
        except BadRow as bad:
            yield bad
            continue
        if not record.candidates:  # none of the wanted LLMs answered this prompt
            continue
        yield record
        read += 1
        if read == limit:
            return


def _record(
    row: Row, seen: Seen, dataset: str, split: str | None, llms: list[str] | None, judge: str
) -> Record:
    fields = row.fields()
    id = _id(row, fields)
    instruction, extra = row.prompt(fields)
    candidates = _candidates(row, fields)
    check_candidates(row, candidates)
    verdicts = _verdicts(row, fields, candidates, judge)
    tags = row.texts(fields, "tags")
    reference = row.optional_text(fields, "output")
    category = row.optional_text(fields, "category")
    seen.accept(row, instruction, extra, id)
    if llms is not None:
        candidates = [candidate for candidate in candidates if candidate.llm in llms]
        verdicts = [v for v in verdicts if v.left_llm in llms and v.right_llm in llms]
    return Record(
        dataset=dataset,
        instruction=instruction,
        input=extra,
        candidates=tuple(candidates),
        file=row.file,
        line=row.line,
        reference=reference or None,
        category=category,
        split=split,
        verdicts=tuple(verdicts),
        tags=tags,
        tagger=dataset if tags else "",
    )


def _id(row: Row, fields: Fields) -> str | int | None:
    id = fields.get("id")
    if id is None or (isinstance(id, int) and not isinstance(id, bool)):
        return id
    return row.name(fields, "id")


def _candidates(row: Row, fields: Fields) -> list[Candidate]:
    if "candidates" not in fields:
        raise row.bad("candidates", "missing")
    candidates = []
    for i, value in enumerate(row.array(fields["candidates"], "candidates")):
        item = row.mapping(value, f"candidates[{i}]")
        at = f"candidates[{i}]."
        scores = item.get("scores")
        scores = {} if scores is None else row.mapping(scores, at + "scores")
        measured = {name: row.number(scores, name, at + "scores.") for name in scores}
        candidates.append(
            Candidate(
                llm=row.name(item, "model", at),
                text=row.text(item, "text", at),
                decoding=row.optional_text(item, "decoding_method", at) or "",
                qualities={name: value for name, value in measured.items() if value is not None},
            )
        )
    return candidates


def _verdicts(row: Row, fields: Fields, candidates: list[Candidate], judge: str) -> list[Verdict]:
    text = row.optional_text(fields, "cmp_results")
    if text is None:
        return []
    try:
        results = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise row.bad("cmp_results", f"broken JSON: {error}") from None
    if results is None:
        return []
    verdicts = []
    for pair, said in row.mapping(results, "cmp_results").items():
        left, right = _pair(row, pair, [candidate.llm for candidate in candidates])
        if not isinstance(said, str) or said not in VERDICT_OF:
            raise row.bad(
                f"cmp_results[{pair}]",
                f"unknown verdict {shown(said)}. Valid: {', '.join(VERDICT_OF)}",
            )
        verdicts.append(Verdict(left, right, judge, VERDICT_OF[said]))
    return verdicts


def _pair(row: Row, pair: str, llms: list[str]) -> tuple[str, str]:
    """The two LLMs of a key "modelA,modelB"; a comma may also stand in an LLM's name."""
    field = f"cmp_results[{pair}]"
    parts = pair.split(",")
    cuts = [(",".join(parts[:i]), ",".join(parts[i:])) for i in range(1, len(parts))]
    known = [(left, right) for left, right in cuts if left in llms and right in llms]
    if not known:
        names = ", ".join(sorted(set(llms)))
        raise row.bad(field, f"unknown LLM: expected two of this row's, with a comma: {names}")
    left, right = known[0]
    if left == right:
        raise row.bad(field, f"compares {left} with itself")
    for llm in (left, right):
        if llms.count(llm) > 1:
            raise row.bad(field, f"{llm} has {llms.count(llm)} candidates: which one is meant?")
    return left, right
