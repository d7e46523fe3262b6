"""What a router expects of each LLM on a prompt."""

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import show as show_chart
from dashboards.filters import one_chosen
from dashboards.page.answers import Answers
from dashboards.page.prompt_logits import called


def show_utilities(routes: pa.Table, answers: Answers, name: str, training: bool) -> None:
    """Draws the utilities of a router; the best LLM is that by `name`.

    A training prompt is not expected to be routed.
    """
    rows = routes.to_pylist()
    if not rows:
        if not training:
            st.info("No router has looked at this prompt: run `workbench route`.")
        return
    routers = called("router", {row["router"] for row in rows})
    chosen = one_chosen("Router of the utilities", "router", list(routers))
    if chosen is None:
        return
    rows = [row for row in rows if row["router"] == routers[chosen]]
    top = max(row["utility"] for row in rows)
    routed = {row["llm"] for row in rows if row["utility"] == top}
    marks = [_mark(row["llm"] in routed, row["llm"] in answers.best) for row in rows]
    cells = pa.table({
        "llm": [row["llm"] for row in rows],
        "utility": pa.array([row["utility"] for row in rows], pa.float64()),
        "mark": marks,
    })  # fmt: skip
    drawn = [mark for mark in _COLOURS if mark in marks]
    base = alt.Chart(cells).encode(
        y=alt.Y("llm:N", title=None, sort=cells["llm"].to_pylist(),
                axis=alt.Axis(labelLimit=260, labelOverlap=False)),
        x=alt.X("utility:Q", title="utility"),
    )  # fmt: skip
    bars = base.mark_bar().encode(
        color=alt.Color(
            "mark:N", title=None, legend=alt.Legend(orient="top"),
            scale=alt.Scale(domain=drawn, range=[_COLOURS[mark] for mark in drawn]),
        ),
        tooltip=["llm:N", alt.Tooltip("utility:Q", format=".4f"), "mark:N"],
    )  # fmt: skip
    best = f", the best by {name}" if answers.best else ""
    show_chart(
        "Utilities of the router",
        f"How well {chosen} expects each LLM to answer this prompt, before any answer is seen. "
        f"It is routed to the highest: {_few(routed)}{best}"
        + (f": {_few(answers.best)}." if answers.best else "."),
        cells, bars.properties(height=alt.Step(24)), [routers[chosen]], "routes",
    )  # fmt: skip


_COLOURS = {
    "routed and best": "#2ca02c", "routed": "#ff7f0e", "best": "#1f77b4", "others": "#9aa5b1",
}  # fmt: skip


def _mark(routed: bool, best: bool) -> str:
    return list(_COLOURS)[0 if routed and best else 1 if routed else 2 if best else 3]


def _few(names: set[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(sorted(names)[:most]) + more
