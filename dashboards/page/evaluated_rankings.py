"""What evaluations have found of rankers with their schemes, each number with its run."""

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.naming import ranking_name
from dashboards.queries.evaluated import figures
from dashboards.queries.scored import Part
from dashboards.reading import ask
from workbench.stages.system_names import BEST_SINGLE, ORACLE, RANDOM, is_ranking

_CORRELATIONS = {
    "kendall": "Kendall's tau",
    "spearman": "Spearman's rho",
    "pearson": "Pearson's r",
    "pairwise_accuracy": "pairs ordered rightly",
    "accuracy": "best LLM picked",
}
_PICKS = {"quality": "quality of the pick", "vs_best_single": "minus BestSingle's"}
_BESIDE = (ORACLE, BEST_SINGLE, RANDOM)
_CHAIN = "chain:"


def show(part: Part, measure: str, known: dict[str, str]) -> None:
    """Draws the figures of `workbench evaluate` for the chosen prompts."""
    found = _named(ask(figures, part, measure, "|".join([*_CORRELATIONS, *_PICKS])), known)
    if not found.num_rows:
        st.info("No evaluation of a ranker by this measure yet: `workbench evaluate` makes one.")
        return
    _chart(
        "Agreement with the measure as evaluated",
        f"Rank correlations with {measure} within each prompt (1: the same order, 0: none) and the "
        "share of pairs ordered rightly; lines: 95 % bootstrap interval.",
        found, _CORRELATIONS,
    )  # fmt: skip
    _chart(
        "Quality of the pick as evaluated",
        f"Mean {measure} of the pick, and by how much it is above BestSingle's, the LLM that is "
        "best on validation.",
        found, _PICKS,
    )  # fmt: skip


def _named(found: pa.Table, known: dict[str, str]) -> pa.Table:
    """Figures of rankings and of what stands beside them, with their names and where they hold."""
    rows = []
    for row in found.to_pylist():
        system = row["system"]
        if system in _BESIDE:
            name = system
        elif is_ranking(system) and not system.startswith(_CHAIN):
            ranker, _, scheme = system.partition("/")
            if scheme == "preference":
                continue
            name = ranking_name(ranker, scheme, known)
        else:
            continue
        part = row["slice"].removeprefix("category=") if row["slice"] != "all" else ""
        where = ", ".join(filter(None, [row["dataset"], row["split"], part]))
        rows.append({"ranking": name, "where": where, **row})
    return pa.Table.from_pylist(rows)


def _chart(title: str, told: str, found: pa.Table, wanted: dict[str, str]) -> None:
    rows = [
        {**row, "told": wanted[row["figure"]]}
        for row in found.to_pylist()
        if row["figure"] in wanted and (wanted is _PICKS or row["ranking"] != ORACLE)
    ]
    if not rows:
        return
    numbers = pa.Table.from_pylist(rows)
    places = sorted({row["where"] for row in rows})
    own = [row for row in rows if row["figure"] == next(iter(wanted))] or rows
    order = list(dict.fromkeys(r["ranking"] for r in sorted(own, key=lambda r: -r["value"])))
    base = alt.Chart(numbers).encode(
        y=alt.Y("ranking:N", sort=order, title=None, axis=alt.Axis(labelLimit=230)),
        yOffset=alt.YOffset("where:N", sort=places),
        tooltip=["ranking:N", "where:N", "told:N", alt.Tooltip("value:Q", format=".3f"),
                 alt.Tooltip("low:Q", format=".3f"), alt.Tooltip("high:Q", format=".3f"), "n:Q"],
    )  # fmt: skip
    scale = alt.Scale(zero=False)
    legend = alt.Legend(orient="bottom", labelLimit=300) if len(places) > 1 else None
    ends = base.mark_rule(strokeWidth=2, color=LINES).encode(
        x=alt.X("low:Q", title=None, scale=scale, axis=alt.Axis(tickCount=4)), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("value:Q", title=None, scale=scale),
        color=alt.Color("where:N", title=None, legend=legend, sort=places),
    )
    size = {"width": 660 // len(wanted), "height": len(order) * (8 + 16 * len(places))}
    shown = [name for name in wanted.values() if any(row["told"] == name for row in rows)]
    chart = (ends + points).properties(**size).facet(
        column=alt.Column("told:N", sort=shown, title=None), spacing=28
    ).resolve_scale(x="independent")  # fmt: skip
    told += f" Of {places[0]}." if len(places) == 1 else ""
    show_chart(title, told, numbers, chart, numbers["run_id"].to_pylist(), "figures")
