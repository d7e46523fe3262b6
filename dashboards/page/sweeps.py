"""Sweeps: what the trials of a study have found, and what it cost."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.filters import one_chosen
from dashboards.importance import LEAST
from dashboards.page.setting_effects import show_effects
from dashboards.page.study_found import QUALITIES, show_found
from dashboards.page.trials import columns_of, show_best, with_told
from dashboards.plain import plain
from dashboards.queries.scored import Part
from dashboards.queries.sweeps import JUDGED, front, history, importance, names, studies
from dashboards.queries.trials_asked import Asked
from dashboards.reading import ask
from dashboards.runs import link_to_run, run_told
from dashboards.studies import Study, study_told

_TABLE = "trials"
_OWN_NAME = re.compile(r"(sweep|tune|chain)-.+-([0-9a-f]{8})[0-9a-f]{8}")
_OWN_COSTS = ("cost", "tokens_out", "comparisons")
"""The second objective of chain, tune and sweep, in the order in which it is told by its name."""


def show(part: Part) -> None:
    """Draws the page; a study has its own prompts, so the filters of prompts change nothing."""
    found = ask(studies)
    if not found.num_rows:
        st.info(
            "No study yet: workbench sweep searches schemes on stored comparisons, tune a fuser's "
            "settings, and chain whole chains of router, ranker and fuser."
        )
        return
    if part != Part():
        st.caption("Dataset, split and category do not count here: a trial has its means alone.")
    study = _study_chosen(found["study"].to_pylist())
    row = next(row for row in found.to_pylist() if row["study"] == study)
    known = ask(names, study)
    figures = [r["name"] for r in known["names"].to_pylist() if r["kind"] == "figure"]
    if not figures:
        st.info("No trial of this study is complete yet.")
        return
    told = study_told(study)
    asked, cost = _asked(study, figures, told, known["top_k"])
    gone = ask(history, asked)
    counts = gone["counts"].to_pylist()[0]
    if not counts["trials"]:
        st.info("No complete trial has this figure: choose another in the sidebar.")
        return
    _head(row, counts, asked)
    show_found(gone["best"].to_pylist()[0], counts, asked, told)
    runs = _runs(counts["run_id"])
    columns = columns_of(known["names"])
    _history(gone["trials"], asked, counts["trials"], told, runs)
    if cost:
        _front(asked, cost, counts["trials"], told, runs)
    weights = _importance(asked, counts["trials"], runs)
    show_effects(asked, weights, runs)
    show_best(gone["best"], columns, asked, counts["trials"], told)


def _study_chosen(studies: list[str]) -> str:
    """The study that the sidebar asks for, by a short name that stays as the study grows."""
    names = short_names(studies)
    given = st.query_params.get("study", "")
    if names.get(given, given) != given:  # addresses once held the whole name
        st.session_state.setdefault("study", given)
    found: str = st.sidebar.selectbox(
        "Study", studies, format_func=lambda study: names[study], key="study",
        bind="query-params",
    )  # fmt: skip
    return found


def short_names(studies: Sequence[str]) -> dict[str, str]:
    """Study -> `chain 50bbb0a5`, the beginning of its key, where it is a verb's own name for it."""
    own = {study: _OWN_NAME.fullmatch(study) for study in studies}
    names = {study: f"{found[1]} {found[2]}" if found else study for study, found in own.items()}
    count = Counter(names.values())
    return {study: name if count[name] == 1 else study for study, name in names.items()}


def _asked(
    study: str, figures: list[str], told: Study, top_k: pa.Table
) -> tuple[Asked, str | None]:
    """What the sidebar asks, and the figure across the front."""
    wanted = told.objectives
    first = next((name for name in (*wanted, "quality") if name in figures), figures[0])
    figure = one_chosen("Objective", "objective", figures, figures.index(first)) or ""
    others = [name for name in figures if name != figure]
    cost = None
    if others:
        usual = [*wanted, *_OWN_COSTS, *QUALITIES]
        best = next((name for name in usual if name in others), others[0])
        cost = one_chosen("Against", "against", others, others.index(best))
    k = None
    sizes = [size for size in top_k["top_k"].to_pylist() if size is not None]
    if "mean" in figures and "best" in figures and len(sizes) > 1:
        # The quality of the top 1 and of the top 3 are not the same thing.
        k = int(one_chosen("Top K of the sweep", "top_k", [str(size) for size in sizes]) or 1)
    return Asked(study, figure, _smaller(figure, wanted), k, *told.shown(figure)), cost


def _smaller(figure: str, wanted: Mapping[str, bool]) -> bool:
    """Whether less of a figure is better: as the study says, else as its name does."""
    return wanted.get(figure, figure not in QUALITIES)


def _head(row: dict[str, int], counts: dict[str, float], asked: Asked) -> None:
    left, middle, right, last = st.columns(4)
    left.metric("trials", f"{row['trials']:,}")
    middle.metric("of them failed or pruned", f"{row['trials'] - row['complete']:,}")
    best = "lowest" if asked.smaller else "highest"
    right.metric(plain(f"{best} {asked.name}"), f"{counts['best']:.4g}")
    equal = counts["equal"]
    last.metric("first at trial" if equal > 1 else "at trial", f"{counts['best_trial']:,}",
                help=f"{equal:,} trials tie." if equal > 1 else None)  # fmt: skip
    if asked.top_k is not None:
        st.caption(
            f"Only the {counts['trials']:,} trials of top {asked.top_k}: each K of a sweep has "
            "its own trials, because the quality of the best one and the mean of the best three "
            "are not the same thing."
        )


def _runs(run: str | None) -> list[str]:
    """The study's run, which the runs of its trials stand below."""
    if not run:
        return []
    found = run_told(run)
    study = found["parent"] if found and found["parent"] else run
    link_to_run(study)
    return [study]


def _history(trials: pa.Table, asked: Asked, count: int, told: Study, runs: list[str]) -> None:
    trials = with_told(trials, told)
    base = alt.Chart(trials).encode(x=alt.X("trial:Q", title="trial"))
    y = alt.Y("value:Q", title=asked.name, scale=alt.Scale(zero=False, padding=8))
    dots = base.mark_circle(size=28, opacity=0.55).encode(
        y=y, tooltip=["trial:Q", alt.Tooltip("value:Q", format=".5g"), "settings:N"]
    )
    line = base.mark_line(interpolate="step-after", color="#e8782b", strokeWidth=2).encode(
        y=alt.Y("best_so_far:Q", title=asked.name, scale=alt.Scale(zero=False, padding=8))
    )
    way = "lower" if asked.smaller else "higher"
    show_chart(
        "History",
        f"Each dot is a trial, the line the best {asked.name} so far ({way} is better): where "
        f"it no longer moves, more trials find nothing.{_thinned(trials, count)}",
        trials, (line + dots).properties(height=300), runs, _TABLE,
    )  # fmt: skip


def _thinned(trials: pa.Table, count: int) -> str:
    drawn = trials.num_rows
    return f" {drawn:,} of {count:,} trials are drawn." if drawn < count else ""


def _front(asked: Asked, cost: str, count: int, told: Study, runs: list[str]) -> None:
    smaller = _smaller(cost, told.objectives)
    times, name = told.shown(cost)
    trials = ask(front, asked, cost, smaller, times)
    if not trials.num_rows:
        return
    trials = with_told(trials, told)
    best = trials.filter(trials["front"])
    x = alt.X("cost:Q", title=name, **_across(trials["cost"].to_pylist()))
    y = alt.Y("value:Q", title=asked.name, scale=alt.Scale(zero=False, padding=8))
    tips = ["trial:Q", alt.Tooltip("value:Q", title=asked.name, format=".5g"),
            alt.Tooltip("cost:Q", title=name, format=".5g"), "settings:N"]  # fmt: skip
    all_of_them = alt.Chart(trials).mark_circle(size=28, color=LINES, opacity=0.5).encode(
        x=x, y=y, tooltip=tips
    )  # fmt: skip
    # What a cost buys is bought by a larger one too; where more of it is better, by a smaller one.
    line = alt.Chart(best).mark_line(
        interpolate="step-after" if smaller else "step-before", color="#e8782b", strokeWidth=1.5
    ).encode(x=x, y=y, order="cost:Q")  # fmt: skip
    dots = alt.Chart(best).mark_circle(size=90, color="#e8782b", opacity=1).encode(
        x=x, y=y, tooltip=tips
    )  # fmt: skip
    show_chart(
        "Pareto front",
        f"Orange: the {best.num_rows} of {count:,} trials that no other beats in both, "
        f"{'lower' if asked.smaller else 'higher'} {asked.name} and "
        f"{'lower' if smaller else 'higher'} {name}. Point at one to see its "
        f"settings.{_thinned(trials, count)}",
        trials.rename_columns([name if n == "cost" else n for n in trials.column_names])
        if name not in trials.column_names else trials,
        (all_of_them + line + dots).properties(height=380), runs, _TABLE,
    )  # fmt: skip


def _across(costs: Sequence[float]) -> dict[str, Any]:
    """Scale and axis of costs, which may go over several powers of ten or be a few dollar cents."""
    wide = min(costs) > 0 and max(costs) / min(costs) > 30
    small = 0 < max(costs) < 0.01
    return {
        "scale": alt.Scale(type="log" if wide else "linear", zero=False, padding=8),
        "axis": alt.Axis(format=".1~e") if small else alt.Axis(),
    }


def _importance(asked: Asked, count: int, runs: list[str]) -> dict[str, float]:
    """Draws it, and gives it by setting; empty where it cannot be told."""
    found = ask(importance, asked)
    if not found.num_rows:
        st.info(
            f"Which settings matter cannot be told: that takes at least {LEAST} complete trials "
            f"that differ in their settings and in {plain(asked.figure)}."
        )
        return {}
    judged = f" From {JUDGED:,} of {count:,} trials." if count > JUDGED else ""
    bars = alt.Chart(found).mark_bar().encode(
        x=alt.X("importance:Q", axis=alt.Axis(format="%")),
        y=alt.Y("setting:N", sort="-x", title=None, axis=alt.Axis(labelLimit=260)),
        tooltip=["setting:N", alt.Tooltip("importance:Q", format=".1%"), "trials:Q"],
    )  # fmt: skip
    show_chart(
        "Importance of settings",
        f"How much of the differences in {asked.figure} a random forest over the trials lays to "
        "each setting (mean decrease of impurity, as Optuna computes it). It tells that a setting "
        f"matters, not which value is good: see below.{judged}",
        found, bars.properties(height=alt.Step(28)), runs, _TABLE,
    )  # fmt: skip
    return dict(zip(found["setting"].to_pylist(), found["importance"].to_pylist(), strict=True))
