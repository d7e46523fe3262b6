"""Best LLM: the categories in which each LLM wins and loses, as tiles."""

from dataclasses import dataclass

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboards.charts import show as show_chart

_NUMBERS = 20  # categories up to which tiles have room for numbers


@dataclass(frozen=True)
class _Tiles:
    field: str
    legend: str
    shown: str
    told: str


_TILES = {
    "share best": _Tiles(
        "best", "best on", ".0%",
        "Share of a category's prompts on which an LLM is best: a dark tile is what it is good at, "
        "a pale one where others are better.",
    ),
    "share worst": _Tiles(
        "worst", "worst on", ".0%",
        "Share of a category's prompts on which an LLM's answer is the worst: a dark tile is what "
        "to ask another for.",
    ),
    "lead": _Tiles(
        "lead", "lead", "+.2f",
        "By how much an LLM's score is above the mean of all LLMs on the same prompts: blue it "
        "leads, red it is behind.",
    ),
}  # fmt: skip


def show_tiles(heat: pa.Table, order: list[str], runs: list[str], source: str) -> None:
    """LLM × category, by what is chosen above the chart; nothing where categories are too few.

    Args:
        heat: as `queries.best_llm.best_llms` gives it.
        order: of the LLMs, from the top.
        runs, source: of `charts.show`.
    """
    named = [category or "(none)" for category in heat["category"].to_pylist()]
    if len(set(named)) < 2:
        return
    heat = heat.set_column(heat.column_names.index("category"), "category", pa.array(named))
    label = st.segmented_control(
        "Tiles show", list(_TILES), default=next(iter(_TILES)),
        required=True, key="tiles", bind="query-params",
    )  # fmt: skip
    tiles = _TILES[label]
    most = pc.max(pc.abs(heat[tiles.field])).as_py()
    base = alt.Chart(heat).encode(
        x=alt.X("category:N", title=None, axis=alt.Axis(labelAngle=-40, labelLimit=160)),
        y=alt.Y("llm:N", title=None, sort=order, axis=alt.Axis(labelLimit=260)),
    )
    chart: alt.Chart | alt.LayerChart = base.mark_rect().encode(
        color=alt.Color(
            f"{tiles.field}:Q", title=tiles.legend, legend=alt.Legend(format=tiles.shown),
            scale=_scale(tiles, most),
        ),
        tooltip=["llm:N", "category:N", *(_tooltip(each) for each in _TILES.values()), "prompts:Q",
                 "answered:Q", alt.Tooltip("mean_score:Q", format=".3f")],
    )  # fmt: skip
    if len(set(named)) <= _NUMBERS:
        dark = f"abs(datum.{tiles.field}) > {0.6 * most}"
        chart = chart + base.mark_text(fontSize=11).encode(
            text=alt.Text(f"{tiles.field}:Q", format=tiles.shown),
            color=alt.condition(dark, alt.value("white"), alt.value("black")),
        )
    show_chart(
        "Where each LLM wins and loses", tiles.told, heat,
        chart.properties(height=alt.Step(26)), runs, source,
    )  # fmt: skip


def _scale(tiles: _Tiles, most: float) -> alt.Scale:
    if tiles.field == "lead":
        return alt.Scale(scheme="redblue", domain=[-(most or 1), most or 1])
    return alt.Scale(scheme="blues" if tiles.field == "best" else "oranges")


def _tooltip(tiles: _Tiles) -> alt.Tooltip:
    return alt.Tooltip(f"{tiles.field}:Q", title=tiles.legend, format=tiles.shown)
