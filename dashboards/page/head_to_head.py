"""Head to head: which LLM beats which, and two of them side by side."""

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboards.charts import show as show_chart
from dashboards.filters import one_chosen, scorer_chosen
from dashboards.intervals import wilson
from dashboards.page.duel import show_duel
from dashboards.page.two_answers import show_two_answers
from dashboards.page.why_wins import show_why
from dashboards.plain import plain
from dashboards.queries.duel import Duel
from dashboards.queries.head_to_head import win_rates
from dashboards.queries.scored import Part
from dashboards.reading import ask

_MOST = 40  # LLMs of the matrix
_NUMBERS = 16  # LLMs up to which its tiles have room for numbers


def show(part: Part) -> None:
    """Draws the page for the chosen prompts."""
    chosen = scorer_chosen()
    if chosen is None:
        return
    name, scorer = chosen
    rates = ask(win_rates, part, scorer)
    if not rates.num_rows:
        st.info(
            "No prompt that is chosen has scores of two LLMs by this: choose others in the "
            "sidebar, or ingest the answers of a second LLM with `workbench ingest`."
        )
        return
    runs = [scorer.scorer] if scorer.kind != "measure" else []
    llms = list(dict.fromkeys(rates["row"].to_pylist()))
    _matrix(rates, llms, name, runs)
    a = one_chosen("LLM A", "llm_a", llms, 0)
    b = one_chosen("LLM B", "llm_b", llms, 1)
    if not a or not b or a == b:
        st.info("Choose two different LLMs in the sidebar to see them side by side.")
        return
    two = Duel(part, scorer, a, b)
    st.header(plain(f"{a} against {b}"), anchor="two", divider="gray")
    largest = show_duel(two, name, runs)
    if largest is None:
        return
    if scorer.kind == "router":
        st.info("Why one wins is asked of answers; a router has seen the prompts alone.")
    else:
        show_why(two, name, runs)
    show_two_answers(two, name, largest)


def _matrix(rates: pa.Table, llms: list[str], name: str, runs: list[str]) -> None:
    low, high = wilson(rates["share"].to_numpy(), rates["prompts"].to_numpy())
    rates = rates.append_column("low", pa.array(low)).append_column("high", pa.array(high))
    few = pa.array(llms[:_MOST])
    drawn = rates.filter(pc.and_(pc.is_in(rates["row"], few), pc.is_in(rates["column"], few)))
    base = alt.Chart(drawn).encode(
        x=alt.X("column:N", sort=llms, title=None,
                axis=alt.Axis(labelAngle=-40, labelLimit=200, orient="top", labelOverlap=False)),
        y=alt.Y("row:N", sort=llms, title=None, axis=alt.Axis(labelLimit=260)),
    )  # fmt: skip
    tiles = base.mark_rect().encode(
        color=alt.Color("share:Q", title="row beats column", legend=alt.Legend(format="%"))
        .scale(scheme="redblue", domain=[0, 1], domainMid=0.5),
        tooltip=[alt.Tooltip("row:N"), alt.Tooltip("column:N"),
                 alt.Tooltip("share:Q", title="row beats column", format=".1%"),
                 alt.Tooltip("low:Q", format=".1%"), alt.Tooltip("high:Q", format=".1%"),
                 alt.Tooltip("ties:Q", format=","), alt.Tooltip("prompts:Q", format=",")],
    )  # fmt: skip
    chart = tiles
    if len(llms) <= _NUMBERS:
        chart = tiles + base.mark_text(fontSize=11).encode(
            text=alt.Text("share:Q", format=".0%"),
            color=alt.condition(
                "abs(datum.share - 0.5) > 0.28", alt.value("white"), alt.value("black")
            ),
        )
    more = f" The {_MOST} of {len(llms)} LLMs that win most." if len(llms) > _MOST else ""
    show_chart(
        "Win rates",
        f"On which share of their common prompts the LLM of the row has the better answer than "
        f"that of the column, by {name}; ties count half. Blue: the row wins more often; "
        f"those that win most come first.{more}",
        rates, chart.properties(height=alt.Step(28 if len(drawn) < 500 else 16)), runs,
        "scored_llms",
    )  # fmt: skip
