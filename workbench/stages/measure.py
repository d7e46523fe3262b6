"""Measure: answers and their prompts' references -> qualities.

Candidates and fusions alike. Values are written every half minute or so, and a start computes
only those that are not there yet.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.table import Table

from workbench import terminal
from workbench.errors import BadValue, MissingInput
from workbench.models.inferring import check_inference
from workbench.quality import MEASURES, OF_PROSE
from workbench.quality.bartscore import BARTScore
from workbench.quality.bertscore import BERTScore
from workbench.quality.bleurt import BLEURT
from workbench.quality.gpt_rank import measure_name
from workbench.quality.model_measure import TOKENS_PER_BATCH, ModelMeasure
from workbench.stages.gpt_ranks import verdicts_seen, write_gpt_scores
from workbench.stages.measured_content import check_content, keep_content
from workbench.stages.unmeasured import ANSWERS, REFERRED, Values, measure_missing
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.tracking import Run, Tracker

# Imported so that the command line knows them by their names.
MODELS = (BERTScore, BARTScore, BLEURT)

_SLICE = 256  # answers between two steps of the progress bar

_SEEN = f"select answer_id as candidate_id, reference from ({REFERRED})"  # noqa: S608
_MEAN = f"""
    select a.kind, avg(q.value) as mean
    from qualities q join ({ANSWERS}) a on a.answer_id = q.candidate_id
    where q.measure = $measure group by a.kind
"""  # noqa: S608


@dataclass
class Measured:
    """New values and mean of all values by measure, of candidates and of fusions.

    `fusions` is empty where the chosen prompts have none.
    """

    rows: list[tuple[str, int, float | None]]
    fusions: list[tuple[str, int, float | None]]

    def __rich__(self) -> Table:
        columns = ("measure", "new values", "mean")
        if not self.fusions:
            return terminal.table("measure", columns, self.rows)
        both = [(*row, *fused[1:]) for row, fused in zip(self.rows, self.fusions, strict=True)]
        return terminal.table("measure", (*columns, "new of fusions", "mean of fusions"), both)


def measure(
    store: Path,
    measures: list[str] | None = None,
    model: ModelMeasure | None = None,
    judge: str | None = None,
    datasets: list[str] | None = None,
    splits: list[Literal["train", "validation", "test"]] | None = None,
    tokens_per_batch: int = TOKENS_PER_BATCH,
    precision: Literal["float32", "bfloat16"] = "float32",
    device: str = "auto",
) -> Measured:
    """Computes measures of candidates and fusions whose prompt has a reference.

    Continues after a kill.

    Args:
        store: DuckDB file.
        measures: names of measures of words and characters, by default rouge1@1, rouge2@1,
            rougeL@1, bleu@1, chrf@1, exact_match@1, token_f1@1; final_answer@1 marks the exact
            answers of maths word problems, and is taken only where it is named.
        model: in place of these, a measure with a pretrained model, by class_path and init_args.
        judge: in place of these, the score that GPT-Rank sorts by, from this judge's verdicts;
            the prompts need no reference for it.
        datasets: names of datasets, all by default.
        splits: all by default.
        tokens_per_batch: of a model: budget of a batch in tokens, padding counted.
        precision: of a model's arithmetic.
        device: of a model: cpu, cuda, cuda:1, mps …; auto takes an accelerator where there is one.

    Raises:
        UnknownName: a measure, dataset or judge that there is not.
        MissingInput: no answer has a reference to be measured against, or a verdict.
        BadValue: two of measures, model and judge, no measure, a budget that is not positive, or
            a device that is not there.
        BadModel: a model that cannot be loaded, or gives a value that is not finite.
        StoreConflict: the values under the model's name are those of another model.
    """
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    ways = {"measures": measures, "model": model, "judge": judge}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise BadValue(" and ".join(given), [ways[name] for name in given], "one of them")
    chosen: dict[str, Any] = {"datasets": datasets, "splits": splits}
    if judge is not None:
        return _judged(opened, judge, chosen)
    names = OF_PROSE if measures is None else measures
    if not names:
        raise BadValue("measures", measures, "at least one measure")
    functions = {name: _sliced(MEASURES[name]) for name in names}
    data = fingerprint(opened, _SEEN, chosen)
    if data.endswith("-0"):
        told = ", ".join(f"{name}={value or 'all'}" for name, value in chosen.items())
        raise MissingInput(f"no answer of {told} has a reference")
    if model is not None:
        check_inference((), tokens_per_batch, precision)
        model.prepare(device).prepare_references(_references(opened, datasets))
        return _modelled(opened, model, chosen, data, tokens_per_batch, precision)
    with Tracker(opened.path).run("measure", _config(names, chosen), data) as run:
        return _measured(opened, run, functions, chosen)


def _config(names: list[str], chosen: dict[str, Any]) -> dict[str, Any]:
    """What makes the run itself; splits only where they are chosen, as in older runs."""
    config = {"measures": names, "datasets": chosen["datasets"]}
    return config if chosen["splits"] is None else config | {"splits": chosen["splits"]}


def _measured(
    store: Store, run: Run, functions: dict[str, Values], chosen: dict[str, Any]
) -> Measured:
    new = {name: measure_missing(store, name, chosen, values) for name, values in functions.items()}
    return _done(store, run, new, chosen)


def _modelled(
    store: Store,
    model: ModelMeasure,
    chosen: dict[str, Any],
    data: str,
    tokens_per_batch: int,
    precision: str,
) -> Measured:
    """Measures by a model that is prepared."""
    name = model.name
    content = model.content() + ("" if precision == "float32" else f" in {precision}")
    check_content(store, name, content)

    def values(texts: list[str], references: list[str], told: Callable[[int], None]) -> np.ndarray:
        return model(
            texts, references, tokens_per_batch=tokens_per_batch, precision=precision, progress=told
        )

    config = _config([name], chosen) | {"content": content}
    with Tracker(store.path).run("measure", config, data) as run:
        keep_content(store, name, content)
        if not (run.resumed or run.finished):
            run.log_params({"class": type(model).__name__, "model": model.model})
        return _measured(store, run, {name: values}, chosen)


def _judged(store: Store, judge: str, chosen: dict[str, Any]) -> Measured:
    name = measure_name(judge)
    data = verdicts_seen(store, judge, chosen)
    config = _config([name], chosen) | {"judge": judge}
    with Tracker(store.path).run("measure", config, data) as run:
        return _done(store, run, {name: write_gpt_scores(store, judge, chosen)}, chosen)


def _done(store: Store, run: Run, new: dict[str, Counter[str]], chosen: dict[str, Any]) -> Measured:
    """What there is now, beside what is new; means are logged."""
    done = Measured([], [])
    for name, counts in new.items():
        means = _means(store, name, chosen)
        done.rows.append((name, counts["candidate"], means.get("candidate")))
        if "fusion" in means:
            done.fusions.append((name, counts["fusion"], means["fusion"]))
    figures = {f"mean/{name}": mean for name, _, mean in done.rows}
    figures |= {f"mean_of_fusions/{name}": mean for name, _, mean in done.fusions}
    run.log_metrics({name: mean for name, mean in figures.items() if mean is not None})
    return done


def _sliced(measure: Callable[[list[str], list[str]], np.ndarray]) -> Values:
    """A measure that tells how far it is; candidates of a prompt stay near each other."""

    def values(texts: list[str], references: list[str], told: Callable[[int], None]) -> np.ndarray:
        parts = []
        for start in range(0, len(texts), _SLICE):
            part = slice(start, start + _SLICE)
            parts.append(measure(texts[part], references[part]))
            told(len(parts[-1]))
        return np.concatenate(parts)

    return values


def _references(store: Store, datasets: list[str] | None) -> list[str]:
    """All references of the datasets, whatever the splits: no value depends on these."""
    rows = store.query(
        "select distinct reference from prompts where reference is not null "
        "and ($datasets is null or list_contains($datasets, dataset)) order by reference",
        {"datasets": datasets},
    )
    return [str(text) for text in rows["reference"].to_pylist()]


def _means(store: Store, name: str, chosen: dict[str, Any]) -> dict[str, float]:
    rows = store.query(_MEAN, chosen | {"measure": name})
    return dict(zip(rows["kind"].to_pylist(), rows["mean"].to_pylist(), strict=True))
