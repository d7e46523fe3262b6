"""ZeroEval (github.com/yuchenlin/ZeroEval): the upstream repository's `result_dirs/` directory.

    result_dirs/gsm/<llm>.json   [{"question", "answer": "# 18", "output": ["…"], "dataset": "gsm",
                                   "configs": {"temperature": 0.0, "top_p": 1.0, …}, …}, …]

An LLM's name is its file's, without `.json`: two files may hold one model of two providers, whose
`generator` is the same. The question is the instruction, `dataset` its category, and what stands
after the last `#` of `answer` its reference. The first of `output` is the LLM's answer, decoded
`greedy` where the temperature is 0, else `sample(temperature=0.5, top_p=1.0)`.

Outputs are not marked upstream: `workbench measure --measures final_answer@1` does it.

`llms` gives sizes as the LLMs' names have them, of Mixtral, Phi and Command R as their model cards
have them, and the prices with which their makers announced Claude 3 Haiku (Anthropic, March 2024),
GPT-3.5 Turbo 0125 (OpenAI, January 2024) and Command R (Cohere, March 2024).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from workbench.errors import BadRow, BadSource
from workbench.sources.chosen import Split, check_chosen, check_llms
from workbench.sources.json_array import json_array
from workbench.sources.record import LLM, Candidate, Record
from workbench.sources.row import Fields, Row, shown

LLMS = (
    LLM("Meta-Llama-3-8B-Instruct", 8),
    LLM("Meta-Llama-3-70B-Instruct", 70),
    LLM("Meta-Llama-3.1-8B-Instruct", 8),
    LLM("Meta-Llama-3.1-70B-Instruct", 70),
    LLM("Mistral-Nemo-Instruct-2407", 12),
    LLM("Mixtral-8x7B-Instruct-v0.1", 46.7),
    LLM("Phi-3.5-mini-instruct", 3.8),
    LLM("Qwen2-7B-Instruct", 7),
    LLM("Qwen2-72B-Instruct", 72),
    LLM("Yi-1.5-9B-Chat", 9),
    LLM("Yi-1.5-34B-Chat", 34),
    LLM("claude-3-haiku-20240307", None, 0.25, 1.25),
    LLM("command-r", 35, 0.50, 1.50),
    LLM("gemma-2-2b-it", 2),
    LLM("gemma-2-9b-it", 9),
    LLM("gpt-3.5-turbo-0125", None, 0.50, 1.50),
)


def read(
    path: str,
    *,
    task: str = "gsm",
    dataset: str = "zeroeval",
    llms: list[str] | None = None,
    split: Split | None = None,
    limit: int | None = None,
) -> Iterator[Record | BadRow]:
    """Reads ZeroEval's outputs of LLMs, with the gold answers as references.

    Args:
        path: A directory with one <llm>.json an LLM, such as result_dirs/gsm; or the upstream
            result_dirs or repository.
        task: Which directory of result_dirs is read, where `path` is above it.
        dataset: Name of the dataset in the store.
        llms: LLMs to read, by file (default: all). Prompts that none of them has are left out.
        split: The split of all prompts (default: by hash of the prompt).
        limit: At most this many prompts (default: all).

    Raises:
        BadSource: The path is no such directory.
        UnknownName: One of `llms` has no file, or there is no such split.
        BadValue: `llms` is empty, or `limit` is under 1.
    """
    check_chosen(llms, limit, split)
    files = _files(path, task)
    check_llms(llms, files)
    chosen = {llm: file for llm, file in files.items() if llms is None or llm in llms}
    return _records(chosen, dataset, split, limit)


def llms() -> list[LLM]:
    """What is known of some of the LLMs: sizes of the open ones, prices of three."""
    return list(LLMS)


@dataclass
class _Prompt:
    """A question's first row, and what the LLMs answered so far."""

    row: Row
    reference: str
    category: str | None
    answers: dict[str, Candidate] = field(default_factory=dict)


def _files(path: str, task: str) -> dict[str, Path]:
    """LLM -> file."""
    root = Path(path)
    if not root.is_dir():
        raise BadSource(f"{root}: there is no such directory")
    for folder in (root, root / task, root / "result_dirs" / task):
        if files := sorted(folder.glob("*.json")):
            return {file.stem: file for file in files}
    raise BadSource(f"{root}: no <llm>.json in it, nor in {task} or result_dirs/{task} below it")


def _records(
    files: dict[str, Path], dataset: str, split: str | None, limit: int | None
) -> Iterator[Record | BadRow]:
    # Held in memory, since each file has all prompts: 40 LLMs on GSM8K are some 60 MB.
    prompts: dict[str, _Prompt] = {}
    for llm, file in files.items():
        for row in json_array(str(file)):
            try:
                if isinstance(row, BadRow):
                    raise row
                _add(prompts, row, llm)
            except BadRow as bad:
                yield bad
    for question, prompt in islice(prompts.items(), limit):
        yield Record(
            dataset=dataset,
            instruction=question,
            input="",
            candidates=tuple(prompt.answers.values()),
            file=prompt.row.file,
            line=prompt.row.line,
            reference=prompt.reference,
            category=prompt.category,
            split=split,
        )


def _add(prompts: dict[str, _Prompt], row: Row, llm: str) -> None:
    fields = row.fields()
    question = row.name(fields, "question")
    reference, category = _gold(row, fields), row.optional_text(fields, "dataset")
    answer = Candidate(llm, _first_output(row, fields), _decoding(row, fields))
    prompt = prompts.get(question) or _Prompt(row, reference, category)
    if llm in prompt.answers:
        raise row.bad("question", "duplicate prompt: this LLM has answered it before")
    for name, first, here in (
        ("answer", prompt.reference, reference),
        ("dataset", prompt.category, category),
    ):
        if first != here:
            place = f"{prompt.row.file}, line {prompt.row.line}"
            raise row.bad(name, f"{shown(here)}, but {shown(first)} of the same prompt in {place}")
    prompts[question] = prompt
    prompt.answers[llm] = answer


def _gold(row: Row, fields: Fields) -> str:
    """`# 18`, or a solution that ends in `#### 18`, as 18."""
    gold = row.name(fields, "answer").rpartition("#")[2].strip()
    if not gold:
        raise row.bad("answer", "empty after the '#'")
    return gold


def _first_output(row: Row, fields: Fields) -> str:
    if "output" not in fields:
        raise row.bad("output", "missing")
    outputs = row.array(fields["output"], "output")
    if not outputs:
        raise row.bad("output", "empty: expected the LLM's answer")
    return row.text({"output[0]": outputs[0]}, "output[0]")


def _decoding(row: Row, fields: Fields) -> str:
    """Empty where the row does not tell the temperature."""
    if fields.get("configs") is None:
        return ""
    configs = row.mapping(fields["configs"], "configs")
    temperature = row.cost(configs, "temperature", "configs.")
    top_p = row.cost(configs, "top_p", "configs.")
    if not temperature:
        return "" if temperature is None else "greedy"
    return f"sample(temperature={temperature}" + (f", top_p={top_p})" if top_p else ")")
