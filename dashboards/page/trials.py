"""Trials in words: their settings in tooltips, and the best of them as a table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from dashboards.charts import csv
from dashboards.plain import plain
from dashboards.queries.overview import labels
from dashboards.queries.sweeps import Asked
from dashboards.reading import ask
from dashboards.runs import address
from workbench.stages.rankers import short

_LONG = 60  # characters of a value in a tooltip


def called() -> dict[str, str]:
    """Id of a router, ranker or fuser -> what it is called where a setting names it."""
    known = ask(labels).to_pylist()
    return {row["id"]: f"{row['label']} {short(row['id'])}" for row in known}


def with_told(trials: pa.Table) -> pa.Table:
    """The trials with their settings, which are JSON, as `scheme: copeland, top_k: 2`."""
    known, texts = called(), []
    for text in trials["settings"].to_pylist():
        pairs = json.loads(text).items()
        texts.append(", ".join(f"{name}: {_value(value, known)}" for name, value in pairs))
    place = trials.schema.get_field_index("settings")
    return trials.set_column(place, "settings", pa.array(texts, pa.string()))


def _value(value: Any, known: Mapping[str, str]) -> str:
    if isinstance(value, str) and value in known:
        return known[value]
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def columns_of(names: pa.Table) -> dict[str, list[str]]:
    """Names of a study's settings and figures, those that most trials have first."""
    found: dict[str, list[str]] = {"setting": [], "figure": []}
    for row in sorted(names.to_pylist(), key=lambda row: -row["trials"]):
        found[row["kind"]].append(row["name"])
    return found


def show_best(
    trials: pa.Table, columns: dict[str, list[str]], asked: Asked, count: int, runs: list[str]
) -> None:
    """The best trials with all their settings and figures, and a link to the run of each."""
    known = called()
    # What the study is looked at by comes first.
    figures = sorted(columns["figure"], key=lambda name: name != asked.figure)
    rows = [_row(row, figures, columns["setting"], known) for row in trials.to_pylist()]
    listed = f"The best {len(rows):,} of {count:,} trials" if len(rows) < count else "All trials"
    st.subheader("Best trials", anchor="best_trials")
    st.caption(plain(f"{listed} by {asked.figure}; a link shows the trial's own run."))
    found = pa.Table.from_pylist(rows)
    st.dataframe(
        found, hide_index=True, placeholder="",
        column_config={
            "run": st.column_config.LinkColumn("run", display_text="open", width="small")
        },
    )  # fmt: skip
    st.download_button(
        "CSV", csv(found), "best_trials.csv", "text/csv", key="csv_best_trials",
        on_click="ignore", icon=":material/download:", help="The numbers of this table",
    )  # fmt: skip


def _row(
    row: dict[str, Any], figures: Sequence[str], settings: Sequence[str], known: Mapping[str, str]
) -> dict[str, Any]:
    """One line of the table: a setting may be of several types, so all are text."""
    chosen, worth = json.loads(row["settings"]), json.loads(row["figures"])
    run = address(row["run_id"]) if row["run_id"] else None
    made: dict[str, Any] = {"trial": row["trial"], "run": run}
    made |= {f"figure {name}": _number(worth.get(name)) for name in figures}
    for name in settings:
        column = f"setting {name}" if name in made else name
        made[column] = _value(chosen[name], known) if name in chosen else None
    return made


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
