"""Trials in words: their settings in tooltips, and the best of them as a table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from dashboards.charts import csv
from dashboards.plain import plain
from dashboards.queries.overview import labels
from dashboards.queries.trials_asked import Asked
from dashboards.reading import ask
from dashboards.runs import address
from dashboards.studies import Study
from dashboards.systems import CHAINED, RANKER, kind_of, lambda_of, system_names
from workbench.stages.rankers import short

LAMBDA = "lambda"
"""The setting that holds the search's own λ."""
_POLICYS_LAMBDA = "λ of cost_aware"
_SYSTEM = "name on the leaderboard"
_LONG = 60  # characters of a value in a tooltip


def called() -> dict[str, str]:
    """Id of a router, ranker or fuser -> what it is called where a setting names it."""
    known = ask(labels).to_pylist()
    return {row["id"]: f"{row['label']} {short(row['id'])}" for row in known}


def with_told(trials: pa.Table, told: Study) -> pa.Table:
    """The trials with their settings, which are JSON, as `scheme: copeland, top_k: 2`."""
    known = called()
    rows = zip(trials["trial"].to_pylist(), trials["settings"].to_pylist(), strict=True)
    texts = [_sentence(settings_of(trial, text, told, known)) for trial, text in rows]
    place = trials.schema.get_field_index("settings")
    return trials.set_column(place, "settings", pa.array(texts, pa.string()))


def settings_of(trial: int, settings: str, told: Study, known: Mapping[str, str]) -> dict[str, str]:
    """Setting -> its value in words; beside a search's λ that of the policy, where it is known."""
    found = {}
    for name, value in json.loads(settings).items():
        found[name] = _value(value, known)
        own = lambda_of(told.systems.get(trial, "")) if name == LAMBDA else None
        if own is not None:
            found[_POLICYS_LAMBDA] = f"{own:g}"
    return found


def _sentence(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in settings.items())


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


def show_one(trial: dict[str, Any], equal: int, told: Study) -> None:
    """The best trial in a sentence, with a link to its run."""
    words = _sentence(settings_of(trial["trial"], trial["settings"], told, called()))
    link = f" ([its run]({address(trial['run_id'])}))" if trial["run_id"] else ""
    first = f", the first of {equal:,} that tie" if equal > 1 else ""
    st.markdown(f"**Best: trial {trial['trial']:,}**{first}{link}: {plain(words)}")


def show_best(
    trials: pa.Table, columns: dict[str, list[str]], asked: Asked, count: int, told: Study
) -> None:
    """The best trials with all their settings and figures, and a link to the run of each."""
    rows = trials.to_pylist()
    listed = f"The best {len(rows):,} of {count:,} trials" if len(rows) < count else "All trials"
    st.subheader("Best trials", anchor="best_trials")
    # What the study is looked at by comes first.
    wanted = [n for n in dict.fromkeys([asked.figure, *told.objectives]) if n in columns["figure"]]
    found = _table(rows, wanted, columns, told)
    st.caption(plain(f"{listed} by {asked.name}; a link shows the trial's own run."))
    numbers = [f.name for f in found.schema if pa.types.is_floating(f.type)]
    st.dataframe(
        found, hide_index=True, placeholder="",
        column_config={
            "run": st.column_config.LinkColumn("run", display_text="open", width="small")
        } | {name: st.column_config.NumberColumn(name, format="%.4g") for name in numbers},
    )  # fmt: skip
    st.download_button(
        "CSV", csv(found), "best_trials.csv", "text/csv", key="csv_best_trials",
        on_click="ignore", icon=":material/download:", help="The numbers of this table",
    )  # fmt: skip


def _table(
    rows: Sequence[dict[str, Any]], wanted: Sequence[str], columns: dict[str, list[str]],
    told: Study,
) -> pa.Table:  # fmt: skip
    """Objectives, then settings, then the other figures; no two columns have one name."""
    known, worths = called(), [json.loads(row["figures"]) for row in rows]
    chosen = [settings_of(row["trial"], row["settings"], told, known) for row in rows]
    made: dict[str, pa.Array] = {
        "trial": pa.array([row["trial"] for row in rows], pa.int64()),
        "run": pa.array([address(r["run_id"]) if r["run_id"] else None for r in rows], pa.string()),
    }

    def add_figure(name: str) -> None:
        times, called = told.shown(name)
        values = [_number(worth.get(name), times) for worth in worths]
        made[f"figure {called}" if called in made else called] = pa.array(values, pa.float64())

    for name in wanted:
        add_figure(name)
    for name in _settings(columns["setting"], chosen):
        # A setting may be of several types, so all are text.
        values = pa.array([own.get(name) for own in chosen], pa.string())
        made[f"setting {name}" if name in made else name] = values
    if names := _names([told.systems.get(row["trial"], "") for row in rows]):
        made[_SYSTEM] = pa.array(names, pa.string())
    for name in columns["figure"]:
        if name not in wanted:
            add_figure(name)
    return pa.table(made)


def _settings(names: Sequence[str], chosen: Sequence[Mapping[str, str]]) -> list[str]:
    """The settings, beside the search's λ that of the policy."""
    both = any(_POLICYS_LAMBDA in own for own in chosen)
    return [n for name in names for n in ([name, _POLICYS_LAMBDA] if both and name == LAMBDA
                                          else [name])]  # fmt: skip


def _names(systems: Sequence[str]) -> list[str | None]:
    """What chains and rankings are called; empty where there is none."""
    there = list(dict.fromkeys(s for s in systems if s and kind_of(s) in (CHAINED, RANKER)))
    known = ask(labels)
    called = dict(zip(known["id"].to_pylist(), known["label"].to_pylist(), strict=True))
    names = system_names(there, called)
    return [names.get(system) for system in systems] if there else []


def _number(value: Any, times: float) -> float | None:
    return float(value) * times if isinstance(value, int | float) else None
