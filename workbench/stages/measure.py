"""Measure: answers and their prompts' references -> qualities.

Candidates and fusions alike. Values are written every half minute or so, and a start computes
only those that are not there yet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.table import Table

from workbench import terminal
from workbench.errors import BadValue, MissingInput
from workbench.quality import MEASURES
from workbench.quality.model_measure import TOKENS_PER_BATCH, ModelMeasure
from workbench.stages.measured_content import check_content, keep_content
from workbench.stages.unmeasured import REFERRED, Values, measure_missing
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.tracking import Tracker

# Imported so that the command line knows them by their names.
MODELS: tuple[type[ModelMeasure], ...] = ()

_SLICE = 256  # answers between two steps of the progress bar

_SEEN = f"select answer_id as candidate_id, reference from ({REFERRED})"  # noqa: S608
_MEAN = f"""
    select a.kind, avg(q.value) as mean
    from qualities q join ({REFERRED}) a on a.answer_id = q.candidate_id
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
        measures: names of measures of words and characters, all of them by default: rouge1@1,
            rouge2@1, rougeL@1, bleu@1, chrf@1, exact_match@1, token_f1@1.
        model: in place of these, a measure with a pretrained model, by class_path and init_args.
        datasets: names of datasets, all by default.
        splits: all by default.
        tokens_per_batch: of a model: budget of a batch in tokens, padding counted.
        precision: of a model's arithmetic.
        device: of a model: cpu, cuda, cuda:1, mps …; auto takes an accelerator where there is one.

    Raises:
        UnknownName: a measure or dataset that there is not.
        MissingInput: no answer has a reference to be measured against.
        BadValue: both measures and a model, no measure, or a device that is not there.
        BadModel: a model that cannot be loaded, or gives a value that is not finite.
        StoreConflict: the values under the model's name are those of another model.
    """
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    if model is not None and measures is not None:
        raise BadValue("measures and model", measures, "one of them")
    names = list(MEASURES) if measures is None else measures
    if not names:
        raise BadValue("measures", measures, "at least one measure")
    for name in names:
        MEASURES[name]
    chosen: dict[str, Any] = {"datasets": datasets, "splits": splits}
    data = fingerprint(opened, _SEEN, chosen)
    if data.endswith("-0"):
        raise MissingInput(f"no answer of {_told(chosen)} has a reference")
    if model is None:
        functions = {name: _sliced(MEASURES[name]) for name in names}
        return _measured(opened, functions, chosen, data)
    model.prepare(device).prepare_references(_references(opened, datasets))
    content = model.content() + ("" if precision == "float32" else f" in {precision}")
    check_content(opened, model.name, content)
    functions = {model.name: _modelled(model, tokens_per_batch, precision)}
    return _measured(opened, functions, chosen, data, model, content)


def _measured(
    store: Store,
    functions: dict[str, Values],
    chosen: dict[str, Any],
    data: str,
    model: ModelMeasure | None = None,
    content: str | None = None,
) -> Measured:
    """Measures what is missing, in a run of its own."""
    config: dict[str, Any] = {"measures": list(functions), "datasets": chosen["datasets"]}
    if chosen["splits"] is not None:
        config["splits"] = chosen["splits"]
    if content is not None:
        config["content"] = content
    done = Measured([], [])
    with Tracker(store.path).run("measure", config, data) as run:
        if model is not None and content is not None:
            keep_content(store, model.name, content)
            if not (run.resumed or run.finished):
                run.log_params({"class": type(model).__name__, "model": model.model})
        for name, values in functions.items():
            new = measure_missing(store, name, chosen, values)
            means = _means(store, name, chosen)
            done.rows.append((name, new["candidate"], means.get("candidate")))
            if "fusion" in means:
                done.fusions.append((name, new["fusion"], means["fusion"]))
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


def _modelled(model: ModelMeasure, tokens_per_batch: int, precision: str) -> Values:
    def values(texts: list[str], references: list[str], told: Callable[[int], None]) -> np.ndarray:
        return model(
            texts,
            references,
            tokens_per_batch=tokens_per_batch,
            precision=precision,
            progress=told,
        )

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


def _told(chosen: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value or 'all'}" for name, value in chosen.items())
