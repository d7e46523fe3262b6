"""RouteLLM's responses (arXiv 2406.18665; github.com/lm-sys/RouteLLM): right or wrong, by LLM.

JSON lines (.jsonl, .jsonl.gz), or the upstream CSV (`routellm/evals/gsm8k/gsm8k_responses.csv`,
`routellm/evals/mmlu/responses/*.csv`), of rows

    {"prompt": "…", "<llm>": "True", "<llm>_response": "…", "<another llm>": "False", …}

Each field beside the prompt names an LLM, as `<llm>` or `<llm>_response`; the first tells whether
it was right (the quality `correct[routellm]@1`, 1 or 0), the second what it said, where the file
holds that. An LLM for which a row has neither, null or (in CSV) an empty cell, has no candidate.

`llms` gives the prices with which the paper reckons (Appendix D: 10 and 30 USD per million tokens
in and out for gpt-4-1106-preview, 0.24 USD either way for Mixtral 8x7B), and Mixtral's size as
Mistral published it.
"""

from collections.abc import Iterator
from pathlib import Path

from workbench.errors import BadRow
from workbench.sources.chosen import Split, check_chosen, check_llms
from workbench.sources.csv_rows import csv_rows
from workbench.sources.distinct import Seen
from workbench.sources.lines import json_lines
from workbench.sources.record import LLM, Candidate, Record
from workbench.sources.row import WHOLE_ROW, Fields, Row, shown

MEASURE = "correct[routellm]@1"
RESPONSE = "_response"
RIGHT: dict[object, float] = {"True": 1.0, "False": 0.0}
LLMS = (
    LLM("gpt-4-1106-preview", None, 10, 30),
    # As the file of GSM8K calls it, and as those of MMLU do.
    LLM("mistralai/Mixtral-8x7B-Instruct-v0.1", 46.7, 0.24, 0.24),
    LLM("mixtral-8x7b-instruct-v0.1", 46.7, 0.24, 0.24),
)


def read(
    path: str,
    *,
    dataset: str = "routellm",
    llms: list[str] | None = None,
    split: Split | None = None,
    limit: int | None = None,
) -> Iterator[Record | BadRow]:
    """Reads whether a strong and a weak LLM were right, and what they said.

    Args:
        path: A .jsonl, .jsonl.gz or .csv file of rows with prompt, <llm> and <llm>_response.
        dataset: Name of the dataset in the store.
        llms: LLMs whose answers are read (default: all). Prompts without any are left out.
        split: The split of all prompts (default: by hash of the prompt).
        limit: At most this many prompts (default: all).

    Raises:
        BadSource: The file is missing or of another format.
        UnknownName: One of `llms` is in no row, or there is no such split.
        BadValue: `llms` is empty, or `limit` is under 1.
    """
    check_chosen(llms, limit, split)
    rows = _rows(path)
    if llms is not None:
        check_llms(llms, _named(_rows(path)))
    return _records(rows, dataset, llms, split, limit)


def llms() -> list[LLM]:
    """The strong and the weak LLM of the paper."""
    return list(LLMS)


def _rows(path: str) -> Iterator[Row | BadRow]:
    return csv_rows(path) if Path(path).suffix == ".csv" else json_lines(path)


def _named(rows: Iterator[Row | BadRow]) -> Iterator[str]:
    for row in rows:
        try:
            fields = row.fields() if isinstance(row, Row) else {}
        except BadRow:
            continue  # reported by the reading itself
        yield from _llms(fields)


def _llms(fields: Fields) -> list[str]:
    names = [name.removesuffix(RESPONSE) for name in fields if name != "prompt"]
    return list(dict.fromkeys(names))


def _records(
    rows: Iterator[Row | BadRow],
    dataset: str,
    llms: list[str] | None,
    split: str | None,
    limit: int | None,
) -> Iterator[Record | BadRow]:
    seen, read = Seen(), 0
    for row in rows:
        try:
            if isinstance(row, BadRow):
                raise row
            fields = row.fields()
            prompt = row.name(fields, "prompt")
            candidates = [_candidate(row, fields, llm) for llm in _llms(fields)]
            if not any(candidates):
                raise row.bad(WHOLE_ROW, "tells of no LLM whether it was right")
            seen.accept(row, prompt, "", field="prompt")
        except BadRow as bad:
            yield bad
            continue
        chosen = tuple(c for c in candidates if c and (llms is None or c.llm in llms))
        if not chosen:  # none of the wanted LLMs answered this prompt
            continue
        yield Record(
            dataset=dataset,
            instruction=prompt,
            input="",
            candidates=chosen,
            file=row.file,
            line=row.line,
            split=split,
        )
        read += 1
        if read == limit:
            return


def _candidate(row: Row, fields: Fields, llm: str) -> Candidate | None:
    """The LLM's answer; None where neither its text nor its worth is known."""
    if not llm.strip():
        raise row.bad(llm, "the name of an LLM is empty")
    in_csv = not isinstance(row.raw, bytes)
    said = row.optional_text(fields, llm + RESPONSE)
    if in_csv and said == "":
        said = None
    right = fields.get(llm)
    if isinstance(right, bool):
        right = str(right)
    if right is None or (in_csv and right == ""):
        return None if said is None else Candidate(llm, said)
    if not isinstance(right, str) or right not in RIGHT:
        raise row.bad(llm, f"expected {' or '.join(map(str, RIGHT))}, got {shown(right)}")
    return Candidate(llm, said, qualities={MEASURE: RIGHT[right]})
