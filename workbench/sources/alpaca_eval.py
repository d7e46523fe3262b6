"""AlpacaEval: the `results/` directory of the upstream repository.

    results/<llm>/model_outputs.json               [{"instruction", "output", "dataset", ...}]
    results/<llm>/<annotator>/annotations.json     [{"instruction", "preference", ...}]

An LLM's name is its directory's. An annotation holds the judge's preference of that LLM (in 1 to
2) over the baseline model; it gives two qualities, the probability `judge[<annotator>]` =
preference - 1 and its logit `judge_logit[<annotator>]`. The baseline's outputs are the
references and no candidates; the prompt's `dataset` (helpful_base, ...) is its category.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from workbench.errors import BadRow, BadSource, BadValue, UnknownName
from workbench.sources.json_array import json_array
from workbench.sources.record import Candidate, Record
from workbench.sources.row import Fields, Row, shown

OUTPUTS = "model_outputs.json"
ANNOTATIONS = "annotations.json"
CLIP = 1e-7
"""A preference this near to 0 or 1 is taken as this near, so that its logit is finite."""
ROUNDING = 1e-6
"""Weighted preferences stray this far out of 1 to 2."""


def read(
    path: str,
    *,
    dataset: str = "alpaca_eval",
    llms: list[str] | None = None,
    annotator: str = "weighted_alpaca_eval_gpt4_turbo",
    baseline: str = "gpt4_1106_preview",
    limit: int | None = None,
) -> Iterator[Record | BadRow]:
    """Reads AlpacaEval's results.

    Args:
        path: The upstream results directory, with one directory an LLM.
        dataset: Name of the dataset in the store.
        llms: LLMs to read, by directory (default: all but the baseline).
        annotator: The judge whose annotations are read.
        baseline: The LLM whose outputs are the references.
        limit: At most this many prompts (default: all).

    Raises:
        BadSource: The path is no results directory.
        UnknownName: The baseline, the annotator or one of `llms` is not there.
        BadValue: `llms` holds the baseline, or `limit` is under 1.
    """
    if limit is not None and limit < 1:
        raise BadValue("limit", limit, "a number of prompts of at least 1")
    results = Path(path)
    there = _llms(results)
    if baseline not in there:
        raise UnknownName("baseline", baseline, there)
    there.remove(baseline)
    for llm in llms or []:
        if llm == baseline:
            raise BadValue(
                "llms", llm, "LLMs other than the baseline, whose answers are references"
            )
        if llm not in there:
            raise UnknownName("LLM", llm, there)
    chosen = list(dict.fromkeys(there if llms is None else llms))
    if not chosen:
        raise BadValue("llms", llms, f"at least one of {', '.join(there) or 'none there'}")
    _check_annotator(results, chosen, annotator)
    return _records(results, dataset, chosen, annotator, baseline, limit)


def _llms(results: Path) -> list[str]:
    if not results.is_dir():
        raise BadSource(f"{results}: there is no such directory")
    found = sorted(file.parent.name for file in results.glob(f"*/{OUTPUTS}"))
    if not found:
        raise BadSource(f"{results}: no {OUTPUTS} in any of its directories; expected results/")
    return found


def _check_annotator(results: Path, llms: list[str], annotator: str) -> None:
    found = {file.parent.name for llm in llms for file in (results / llm).glob(f"*/{ANNOTATIONS}")}
    if annotator not in found:
        raise UnknownName("annotator", annotator, found)


@dataclass(frozen=True)
class _Prompt:
    row: Row
    category: str | None
    reference: str
    candidates: list[Candidate]


def _records(
    results: Path, dataset: str, llms: list[str], annotator: str, baseline: str, limit: int | None
) -> Iterator[Record | BadRow]:
    # Held in memory: the benchmark has 805 prompts, so 200 LLMs are some 300 MB of text.
    prompts: dict[str, _Prompt] = {}
    yield from _each(results / baseline / OUTPUTS, partial(_add_prompt, prompts))
    for llm in llms:
        outputs: dict[str, str] = {}
        preferences: dict[str, float | None] = {}
        yield from _each(results / llm / OUTPUTS, partial(_add_output, prompts, outputs))
        annotations = results / llm / annotator / ANNOTATIONS
        if annotations.is_file():
            add = partial(_add_preference, prompts, outputs, preferences, baseline)
            yield from _each(annotations, add)
        for instruction, text in outputs.items():
            qualities = _qualities(preferences.get(instruction), annotator)
            prompts[instruction].candidates.append(Candidate(llm, text, qualities=qualities))
    yield from islice(_pooled(prompts, dataset), limit)


def _pooled(prompts: dict[str, _Prompt], dataset: str) -> Iterator[Record]:
    for instruction, prompt in prompts.items():
        if not prompt.candidates:  # none of the chosen LLMs answered this prompt
            continue
        yield Record(
            dataset=dataset,
            instruction=instruction,
            input="",
            candidates=tuple(prompt.candidates),
            file=prompt.row.file,
            line=prompt.row.line,
            reference=prompt.reference,
            category=prompt.category,
        )


def _each(file: Path, add: Callable[[Row], None]) -> Iterator[BadRow]:
    """Adds every row of the file; yields those that cannot be used."""
    for row in json_array(str(file)):
        try:
            if isinstance(row, BadRow):
                raise row
            add(row)
        except BadRow as bad:
            yield bad


def _add_prompt(prompts: dict[str, _Prompt], row: Row) -> None:
    fields = row.fields()
    instruction, _ = row.prompt(fields)
    reference = row.text(fields, "output")
    category = row.optional_text(fields, "dataset")
    if instruction in prompts:
        raise row.bad(
            "instruction", f"duplicate prompt, first on line {prompts[instruction].row.line}"
        )
    prompts[instruction] = _Prompt(row, category, reference, [])


def _add_output(prompts: dict[str, _Prompt], outputs: dict[str, str], row: Row) -> None:
    fields = row.fields()
    instruction = _known(prompts, row, fields)
    text = row.text(fields, "output")
    if instruction in outputs:
        raise row.bad("instruction", "duplicate prompt: this LLM has answered it before")
    outputs[instruction] = text


def _add_preference(
    prompts: dict[str, _Prompt],
    outputs: dict[str, str],
    preferences: dict[str, float | None],
    baseline: str,
    row: Row,
) -> None:
    fields = row.fields()
    instruction = _known(prompts, row, fields)
    preference = row.number(fields, "preference")  # null where the judge's answer was unreadable
    if preference is not None and not 1 - ROUNDING <= preference <= 2 + ROUNDING:
        raise row.bad("preference", f"expected a number from 1 to 2, got {preference}")
    against = row.optional_text(fields, "generator_1")
    if against not in (None, baseline):
        raise row.bad("generator_1", f"compared with {shown(against)}, not with {baseline}")
    judged = row.optional_text(fields, "output_2")
    if judged is not None and judged != outputs.get(instruction, judged):
        raise row.bad("output_2", "the judge read another answer than the one in " + OUTPUTS)
    if instruction in preferences:
        raise row.bad("instruction", "duplicate prompt: it has been annotated before")
    preferences[instruction] = preference


def _known(prompts: dict[str, _Prompt], row: Row, fields: Fields) -> str:
    instruction = row.text(fields, "instruction")
    if instruction not in prompts:
        raise row.bad("instruction", "the baseline has no answer to this prompt")
    return instruction


def _qualities(preference: float | None, annotator: str) -> dict[str, float]:
    if preference is None:
        return {}
    probability = min(max(preference - 1, 0.0), 1.0)
    clipped = min(max(probability, CLIP), 1 - CLIP)
    logit = math.log(clipped) - math.log1p(-clipped)
    return {f"judge[{annotator}]": probability, f"judge_logit[{annotator}]": logit}
