"""LLMRouter's scores (github.com/ulab-uiuc/LLMRouter): how well each LLM answered, without texts.

JSON lines (.jsonl, .jsonl.gz):

    {"query": "…", "task": "gsm8k", "scores": {"gemma-2-9b-it": 1.0, "codegemma-7b": 0.0, …}}

The query is the instruction and the task its category. Each LLM with a score is a candidate
without a text, whose quality is that score; an LLM that is missing or null in a row has no
candidate there. What a score is differs by task (exact match, F1, tests passed), always in [0, 1].

`llms` gives the sizes and prices that LLMRouter itself reckons with: `size`, `input_price` and
`output_price` of `llmrouter/data/example_data/llm_candidates/default_llm.json` in its repository.
"""

from collections.abc import Iterator

from workbench.errors import BadRow, BadValue
from workbench.sources.chosen import Split, check_chosen, check_llms
from workbench.sources.distinct import Seen
from workbench.sources.lines import json_lines
from workbench.sources.record import LLM, Candidate, Record
from workbench.sources.row import Fields, Row

LLMS = (
    LLM("codegemma-7b", 7, 0.20, 0.20),
    LLM("gemma-2-9b-it", 9, 0.10, 0.10),
    LLM("llama-3.1-8b-instruct", 8, 0.20, 0.20),
    LLM("llama-3.1-nemotron-51b-instruct", 51, 0.90, 0.90),
    LLM("llama-3.3-nemotron-super-49b-v1", 49, 0.90, 0.90),
    LLM("llama3-chatqa-1.5-70b", 70, 0.90, 0.90),
    LLM("llama3-chatqa-1.5-8b", 8, 0.20, 0.20),
    LLM("mistral-7b-instruct-v0.3", 7, 0.20, 0.20),
    LLM("qwen2.5-7b-instruct", 7, 0.20, 0.20),
)


def read(
    path: str,
    *,
    dataset: str = "llmrouter",
    measure: str = "score[llmrouter]@1",
    llms: list[str] | None = None,
    split: Split | None = None,
    limit: int | None = None,
) -> Iterator[Record | BadRow]:
    """Reads prompts with the quality of each LLM's answer, as LLMRouter has them.

    Args:
        path: A .jsonl or .jsonl.gz file of rows with query, task and scores.
        dataset: Name of the dataset in the store.
        measure: Name of the measure that the scores are of.
        llms: LLMs whose scores are read (default: all). Prompts without any are left out.
        split: The split of all prompts (default: by hash of the prompt).
        limit: At most this many prompts (default: all).

    Raises:
        BadSource: The file is missing or of another format.
        UnknownName: One of `llms` has no score, or there is no such split.
        BadValue: `measure` or `llms` is empty, or `limit` is under 1.
    """
    check_chosen(llms, limit, split)
    if not measure.strip():
        raise BadValue("measure", measure, "a name")
    rows = json_lines(path)
    if llms is not None:
        check_llms(llms, _named(json_lines(path)))
    return _records(rows, dataset, measure, llms, split, limit)


def llms() -> list[LLM]:
    """The nine LLMs of the published scores."""
    return list(LLMS)


def _named(rows: Iterator[Row]) -> Iterator[str]:
    for row in rows:
        try:
            yield from _scores(row, row.fields())
        except BadRow:
            continue  # reported by the reading itself


def _records(
    rows: Iterator[Row],
    dataset: str,
    measure: str,
    llms: list[str] | None,
    split: str | None,
    limit: int | None,
) -> Iterator[Record | BadRow]:
    seen, read = Seen(), 0
    for row in rows:
        try:
            fields = row.fields()
            query, scores = row.name(fields, "query"), _scores(row, fields)
            category = row.optional_text(fields, "task")
            seen.accept(row, query, "", field="query")
        except BadRow as bad:
            yield bad
            continue
        candidates = tuple(
            Candidate(llm, None, qualities={measure: score})
            for llm, score in scores.items()
            if llms is None or llm in llms
        )
        if not candidates:  # none of the wanted LLMs has a score here
            continue
        yield Record(
            dataset=dataset,
            instruction=query,
            input="",
            candidates=candidates,
            file=row.file,
            line=row.line,
            category=category,
            split=split,
        )
        read += 1
        if read == limit:
            return


def _scores(row: Row, fields: Fields) -> dict[str, float]:
    """LLM -> score, without those that are null."""
    if "scores" not in fields:
        raise row.bad("scores", "missing")
    given = row.mapping(fields["scores"], "scores")
    if not all(llm.strip() for llm in given):
        raise row.bad("scores", "an LLM's name is empty")
    numbers = {llm: row.number(given, llm, "scores.") for llm in given}
    scores = {llm: number for llm, number in numbers.items() if number is not None}
    if not scores:
        raise row.bad("scores", "empty: a prompt needs the score of at least one LLM")
    return scores
