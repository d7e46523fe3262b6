"""Two LLMs: how their scores lie, where each wins, and the prompts on which they differ most."""

from collections.abc import Sequence
from urllib.parse import quote

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.foreign import seen
from dashboards.intervals import wilson
from dashboards.plain import plain
from dashboards.queries.duel import Duel
from dashboards.queries.head_to_head import MOST_CATEGORIES, duel
from dashboards.reading import ask

A, B = "#4a8fd9", "#e8853a"
"""Colours of the two LLMs, to be seen in light and dark."""
_LARGEST = 10  # prompts of each direction
_VIEW = "scored_llms"


def colours(two: Duel) -> alt.Scale:
    """The two LLMs' colours on every chart of the page."""
    return alt.Scale(domain=[two.a, two.b, "about equal"], range=[A, B, LINES])


def show_duel(two: Duel, name: str, runs: Sequence[str]) -> list[str] | None:
    """Draws it; returns the ids of the prompts with the largest gaps, None without common ones."""
    found = ask(duel, two, _LARGEST)
    total = found["total"].to_pylist()[0]
    if not total["prompts"]:
        st.info("No prompt that is chosen has a score of both: choose others in the sidebar.")
        return None
    _total(two, total)
    left, right = st.columns(2)
    with left:
        _scores(two, found["scores"], name, runs)
    with right:
        _gaps(two, found["gaps"], name, runs)
    _categories(two, total, found["categories"], name, runs)
    a = _largest(two, "A", found["for_a"], runs)
    return [*a, *_largest(two, "B", found["for_b"], runs)]


def _total(two: Duel, total: dict[str, float]) -> None:
    prompts = total["prompts"]
    for column, label, count in zip(
        st.columns(4),
        (f"{two.a} wins", f"{two.b} wins", "Ties", "Common prompts"),
        (total["a_wins"], total["b_wins"], total["ties"], prompts),
        strict=True,
    ):
        share = "" if label == "Common prompts" else f" ({count / prompts:.1%})"
        column.metric(plain(label), f"{count:,}{share}")


def _scores(two: Duel, scores: pa.Table, name: str, runs: Sequence[str]) -> None:
    chart = alt.Chart(scores).mark_bar(opacity=0.55).encode(
        x=alt.X("from:Q", title=name, axis=alt.Axis(titleLimit=420)).bin("binned"), x2="to:Q",
        y=alt.Y("share:Q", title="share of prompts", stack=None, axis=alt.Axis(format="%")),
        color=alt.Color("llm:N", title=None, scale=_pair(two), legend=_LEGEND),
        tooltip=["llm:N", _short("from"), _short("to"), alt.Tooltip("prompts:Q", format=","),
                 alt.Tooltip("share:Q", format=".1%")],
    ).properties(height=260)  # fmt: skip
    show_chart(
        "Scores",
        f"How the scores of each of the two lie, by {name}; further right is better, and where the "
        "colours mix both have prompts.",
        scores, chart, runs, _VIEW,
    )  # fmt: skip


def _gaps(two: Duel, gaps: pa.Table, name: str, runs: Sequence[str]) -> None:
    bars = alt.Chart(gaps).mark_bar().encode(
        x=alt.X("from:Q", title=f"score of {two.a} less that of {two.b}",
                axis=alt.Axis(titleLimit=420)).bin("binned"),
        x2="to:Q",
        y=alt.Y("share:Q", title="share of prompts", axis=alt.Axis(format="%")),
        color=alt.Color("better:N", title=None, scale=colours(two), legend=_LEGEND),
        tooltip=["better:N", _short("from"), _short("to"), alt.Tooltip("prompts:Q", format=","),
                 alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    show_chart(
        "Gaps",
        "By how much their scores differ on the same prompt, coloured by who is better: far "
        "from the middle one of them is clearly better, and choosing between them pays.",
        gaps, bars.properties(height=260), runs, _VIEW,
    )  # fmt: skip


def _categories(
    two: Duel, total: dict[str, float], found: pa.Table, name: str, runs: Sequence[str]
) -> None:
    rows = [total | {"category": "all prompts"}, *found.to_pylist()] if len(found) > 1 else [total]
    share = np.array([row["share"] for row in rows])
    n = np.array([row["prompts"] for row in rows])
    low, high = wilson(share, n)
    table = pa.table({
        "category": [row.get("category", "all prompts") or "(none)" for row in rows],
        "share": share, "low": low, "high": high, "prompts": n,
        "a_wins": [row["a_wins"] for row in rows], "b_wins": [row["b_wins"] for row in rows],
        "mean_gap": [row["mean_gap"] for row in rows],
        "clear": [two.a if down > 0.5 else two.b if up < 0.5 else "about equal"
                  for down, up in zip(low, high, strict=True)],
    })  # fmt: skip
    base = alt.Chart(table).encode(
        y=alt.Y("category:N", sort=None, title=None,
                axis=alt.Axis(labelLimit=260)),
        tooltip=["category:N", *(alt.Tooltip(f"{end}:Q", format=".1%") for end in _ENDS),
                 alt.Tooltip("prompts:Q", format=","), "a_wins:Q", "b_wins:Q"],
    )  # fmt: skip
    across = alt.Scale(domain=[0, 1])
    ends = base.mark_rule(strokeWidth=2, color=LINES).encode(
        x=alt.X("low:Q", scale=across), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=alt.X("share:Q", title=f"share that {two.a} wins", scale=across,
                axis=alt.Axis(format="%", titleLimit=600, tickCount=10)),
        color=alt.Color("clear:N", title=None, scale=colours(two), legend=_LEGEND),
    )  # fmt: skip
    half = alt.Chart(pa.table({"half": [0.5]})).mark_rule(strokeDash=[5, 4], color=LINES)
    chance = _CHANCE if len(rows) > 2 else ""
    most = f" The {MOST_CATEGORIES} largest." if len(found) == MOST_CATEGORIES else ""
    show_chart(
        "Win rate by category",
        f"On which share of the prompts {two.a} beats {two.b} by {name}, ties counting half; "
        "lines: 95 % interval. Where a line crosses the middle the two cannot be told apart."
        f"{chance}{most}",
        table, (half.encode(x="half:Q") + ends + points).properties(height=alt.Step(28)), runs,
        _VIEW,
    )  # fmt: skip


def _largest(two: Duel, which: str, rows: pa.Table, runs: Sequence[str]) -> list[str]:
    ids = rows["prompt_id"].to_pylist()
    better, other = (two.a, two.b) if which == "A" else (two.b, two.a)
    texts = [" ".join(seen(text).split()) for text in rows["prompt"].to_pylist()]
    links = [f"prompts?prompt={quote(one, safe='')}" for one in ids]
    table = pa.table({
        "prompt": pa.array(texts, pa.string()), "category": rows["category"],
        "gap": pa.compute.abs(rows["gap"]), "a": rows["a_score"], "b": rows["b_score"],
        "all answers": pa.array(links, pa.string()), "prompt_id": rows["prompt_id"],
    })  # fmt: skip
    number = st.column_config.NumberColumn
    key = f"largest_{which}_{better}_{' '.join(ids)}"
    show_chart(
        f"Where {which} is furthest ahead",
        f"The prompts on which {better} leads {other} most. Tick a row to read both answers below.",
        table, None, runs, _VIEW, key=key, on_select=lambda: _read(ids, key),
        selection_mode="single-row", placeholder="",
        column_order=["prompt", "category", "gap", "a", "b", "all answers"],
        column_config={
            "prompt": st.column_config.TextColumn("prompt", width="large"),
            "gap": number("gap", format="%.3f", width="small", help="difference of the two scores"),
            "a": number(two.a, format="%.3f"),
            "b": number(two.b, format="%.3f"),
            "all answers": st.column_config.LinkColumn(
                "all answers", display_text="open", width="small", help="on the page Prompts"),
        },
    )  # fmt: skip
    return ids


def _read(ids: Sequence[str], key: str) -> None:
    rows = st.session_state[key].selection.rows
    st.session_state["prompt"] = ids[rows[0]] if rows else ""


def _pair(two: Duel) -> alt.Scale:
    return alt.Scale(domain=[two.a, two.b], range=[A, B])


def _short(field: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", format=".3~g")


_LEGEND = alt.Legend(orient="top", labelLimit=260)
_ENDS = ("share", "low", "high")
_CHANCE = " Of two that are equal everywhere, one line in twenty misses the middle by chance."
