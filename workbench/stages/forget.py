"""Forget: removes what a run wrote, so that the stage can be done anew."""

import ast
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.table import Table

from workbench import terminal
from workbench.stages.measured_content import drop_contents
from workbench.stages.tagger_content import drop_taggers
from workbench.store.labels import drop_label
from workbench.store.store import Store
from workbench.tracking import STAGE, Tracker, study_storage

_OF_RANKER = "list_contains($names, ranker)"
_OF_RUN = "list_contains($names, run_id)"
# How robust the choices of a router are is told by its routing, not by an evaluation.
_OF_ROUTER = """
    starts_with(measure, 'unchanged[')
    and list_contains($names, regexp_extract(system, '^route:([^/]*)/', 1))
"""
_OF_PROMPTS = """
    prompt_id in (
        select prompt_id from prompts
        where ($datasets is null or list_contains($datasets, dataset))
          and ($splits is null or list_contains($splits, split)))
"""
_OF_MEASURES = f"""
    list_contains($measures, measure)
    and candidate_id in (select answer_id from answers where {_OF_PROMPTS})
"""  # noqa: S608
# The scores that its verdicts were turned into, whatever their version.
_OF_JUDGE = f"""
    starts_with(measure, 'gpt_rank[' || $judge || ']@')
    and candidate_id in (select answer_id from answers where {_OF_PROMPTS})
"""  # noqa: S608
_OF_RECIPE = f"""
    fuser = $fuser and ranker is not distinct from $ranker
    and scheme is not distinct from $scheme and top_k = $top_k
    and candidate_order is not distinct from $candidate_order
    and decoding is not distinct from $decoding and {_OF_PROMPTS}
"""


def _fusions(which: str) -> dict[str, str]:
    """Fusions, and first of all what was said of them."""
    ids = f"(select fusion_id from fusions where {which})"  # noqa: S608
    return {
        "qualities": f"candidate_id in {ids}",
        "verdicts": f"left_id in {ids} or right_id in {ids}",
        "fusions": which,
    }


# By the stage of the run: tables, and which of their rows are the run's.
_WRITTEN = {
    "measure": {"qualities": _OF_MEASURES},
    "tag": {"tags": f"tagger in ($tagger, $source) and {_OF_PROMPTS}"},
    "train": {
        **_fusions(f"list_contains($names, fuser) or {_OF_RANKER}"),
        "comparisons": _OF_RANKER,
        "rankings": _OF_RANKER,
        "routes": "list_contains($names, router)",
        "results": _OF_ROUTER,
    },
    "route": {"routes": f"router = $router and {_OF_PROMPTS}", "results": _OF_RUN},
    "compare": {"comparisons": _OF_RANKER, "rankings": _OF_RANKER},
    "fuse": _fusions(_OF_RECIPE),
    "judge": {"qualities": _OF_JUDGE, "verdicts": f"judge = $judge and {_OF_PROMPTS}"},
    "evaluate": {"results": _OF_RUN},
    "sweep": {"trials": _OF_RUN, "results": _OF_RUN},
    "sweep-trial": {"trials": _OF_RUN},
    "tune": {"trials": _OF_RUN, "results": _OF_RUN},
    "tune-trial": {"trials": _OF_RUN},
    "chain": {"trials": _OF_RUN, "results": _OF_RUN},
    "chain-trial": {"trials": _OF_RUN},
}


@dataclass
class Forgotten:
    """Rows removed, by table."""

    run: str
    stage: str
    rows: list[tuple[str, int]]

    def __rich__(self) -> Table:
        return terminal.table(f"forget {self.stage} {self.run}", ("table", "removed"), self.rows)


def forget(store: Path, run: str) -> Forgotten:
    """Removes a run's rows from the store and marks the run, and those below it, as deleted.

    Of a measuring these are the values of its measures; of a tagging its tags, with them those that
    an LLM was paid for; of a training the comparisons, rankings, fusions and routes of its model;
    of a routing the routes, and how robust they are; of a comparison the comparisons and rankings
    of the ranker that compared; of a fusing its fusions; of a judging the verdicts of its judge and
    what they gave for GPT-Rank; of an evaluation its results; of a sweep, a tuning or a search of
    chains its trials and its study too (fusions that were tried stay: they cost time). With fusions
    go their qualities and the verdicts on them. `mlflow gc` frees the space that deleted runs take.

    Args:
        store: DuckDB file.
        run: id of an MLflow run, or its beginning.

    Raises:
        UnknownName: no such run, or more than one begins so.
    """
    opened = Store(store)
    tracker = Tracker(opened.path)
    run = tracker.resolve(run)
    told = tracker.client.get_run(run).data
    stage = told.tags[STAGE]
    below = list(tracker.children(run).values())
    owner = told.params["ranker"] if stage == "compare" else run
    names = [owner, *below]
    tables = _WRITTEN.get(stage, {})
    studies = _studies(opened, names)
    with opened.writing() as db:
        rows = _drop(db, tables, names, told.params)
        if stage == "measure":
            drop_contents(db, _setting(told.params, "measures"))
        if stage == "tag":
            drop_taggers(db)
    if stage == "train":
        drop_label(opened, run)
    _delete_studies(opened, studies)
    for name in [*below, run]:
        tracker.client.delete_run(name)
    return Forgotten(run, stage, rows)


def drop_work(store: Store, training: str) -> None:
    """Removes what a training's model has compared, ranked, fused and routed, and what was said
    of the fusions."""
    with store.writing() as db:
        _drop(db, _WRITTEN["train"], [training], {})


def _drop(
    db: duckdb.DuckDBPyConnection,
    tables: Mapping[str, str],
    names: list[str],
    params: Mapping[str, str],
) -> list[tuple[str, int]]:
    """Deletes the rows of each table that meet its condition; how many these were."""
    rows = []
    for table, condition in tables.items():
        given = _given(condition, names, params)
        counted = db.execute(f"delete from {table} where {condition}", given).fetchone()  # noqa: S608
        rows.append((table, int(counted[0]) if counted else 0))
    return rows


def _given(condition: str, names: list[str], params: Mapping[str, str]) -> dict[str, Any]:
    """What a condition asks for: names of rankers, fusers or runs, and settings of the run."""
    asked = set(re.findall(r"\$(\w+)", condition))
    return {name: names if name == "names" else _setting(params, name) for name in asked}


def _setting(params: Mapping[str, str], name: str) -> Any:
    """A setting as it was given: MLflow keeps its text. What the run does not tell is None."""
    text = params.get(name, "None")
    plural = name in ("measures", "datasets", "splits")
    return ast.literal_eval(text) if plural or text == "None" else text


def _studies(store: Store, runs: list[str]) -> list[str]:
    rows = store.query(f"select distinct study from trials where {_OF_RUN}", {"names": runs})  # noqa: S608
    return [str(name) for name in rows["study"].to_pylist()]


def _delete_studies(store: Store, names: list[str]) -> None:
    """Deletes Optuna's own copies of studies that have no trial left in the store."""
    for name in names:
        if store.query("select 1 from trials where study = ?", [name]).num_rows:
            continue
        import optuna

        with suppress(KeyError):  # there is none: somebody has deleted it before
            optuna.delete_study(study_name=name, storage=study_storage(store.path))
