"""Best LLM: the best-LLM distribution, by whom and of which prompts one likes."""

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboards.charts import LINES, MANY
from dashboards.charts import show as show_chart
from dashboards.filters import scorer_chosen
from dashboards.intervals import wilson
from dashboards.page.wins_and_losses import show_tiles
from dashboards.queries.best_llm import best_llms
from dashboards.queries.scored import Part
from dashboards.reading import ask

_VIEW = "scored_llms"


def show(part: Part) -> None:
    """Draws the page for the chosen prompts."""
    chosen = scorer_chosen()
    if chosen is None:
        return
    name, scorer = chosen
    found = ask(best_llms, part, scorer)
    if not found["shares"].num_rows:
        st.info("No prompt that is chosen has a score so: choose others in the sidebar.")
        return
    runs = [scorer.scorer] if scorer.kind != "measure" else []
    _shares(found["shares"], name, runs)
    order = found["shares"]["llm"].to_pylist()
    show_tiles(found["heat"], order, runs, _VIEW)
    _ranks(found["ranks"], order, runs)


def _shares(shares: pa.Table, name: str, runs: list[str]) -> None:
    low, high = wilson(shares["share"].to_numpy(), shares["prompts"].to_numpy())
    shares = shares.append_column("low", pa.array(low)).append_column("high", pa.array(high))
    order = shares["llm"].to_pylist()
    base = alt.Chart(shares).encode(y=alt.Y("llm:N", sort=order, title=None, axis=_WIDE))
    bars = base.mark_bar().encode(
        x=alt.X("share:Q", title="share of prompts", axis=alt.Axis(format="%")),
        tooltip=["llm:N", _percent("share"), _percent("low"), _percent("high"), "prompts:Q",
                 "answered:Q"],
    )  # fmt: skip
    ends = base.mark_rule(strokeWidth=2, color=LINES).encode(x="low:Q", x2="high:Q")
    prompts = shares["prompts"][0].as_py()
    left, right = st.columns([3, 2])
    with left:
        show_chart(
            "Best LLM by share",
            f"On which share of {prompts:,} prompts each LLM gives the best answer by {name}; ties "
            f"are split; lines: 95 % interval (Wilson).{_ragged(shares)}",
            shares, (bars + ends).properties(height=max(200, 28 * len(order))), runs, _VIEW,
        )  # fmt: skip
    with right:
        pie = alt.Chart(shares).mark_arc(innerRadius=40).encode(
            theta=alt.Theta("share:Q", stack=True),
            color=alt.Color("llm:N", sort=order, title=None, scale=MANY),
            order=alt.Order("share:Q", sort="descending"),
            tooltip=["llm:N", _percent("share")],
        )  # fmt: skip
        show_chart(
            "Best LLM distribution",
            "The same as the pie of the LLM-Blender paper: unless a slice is near the whole, no "
            "single LLM will do.",
            shares, pie.properties(height=max(240, 28 * len(order))), runs, _VIEW,
        )  # fmt: skip


def _ragged(shares: pa.Table) -> str:
    least, most = (of(shares["answered"]).as_py() for of in (pc.min, pc.max))
    if least == shares["prompts"][0].as_py():
        return ""
    return (
        f" Not all LLMs have a score on all of these, but on {least:,} to {most:,}: who has few is "
        "seldom best. Choose a dataset that all have answered, or see Head to head, which compares "
        "two on the prompts of both."
    )


def _ranks(ranks: pa.Table, order: list[str], runs: list[str]) -> None:
    chart = alt.Chart(ranks).mark_bar().encode(
        x=alt.X("rank:O", title=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("prompts:Q", title=None),
        facet=alt.Facet("llm:N", columns=4, title=None, sort=order),
        tooltip=["llm:N", "rank:O", "prompts:Q"],
    ).properties(width=190, height=110)  # fmt: skip
    show_chart(
        "Rank histogram",
        "On how many prompts an LLM comes first, second and so on; equal scores share a rank.",
        ranks, chart, runs, _VIEW,
    )  # fmt: skip


_WIDE = alt.Axis(labelLimit=260)


def _percent(field: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", format=".1%")
