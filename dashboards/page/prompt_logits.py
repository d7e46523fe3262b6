"""The pair logits of a prompt, and how far they depend on who stands left."""

from collections.abc import Collection, Mapping, Sequence
from math import floor, log10
from typing import Any

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboards.charts import show as show_chart
from dashboards.filters import one_chosen
from dashboards.naming import model_names
from dashboards.page.answers import Answers
from dashboards.queries.models import models
from dashboards.queries.one_prompt import compared_pairs
from dashboards.reading import ask

_TEXTS = 16  # candidates, up to which numbers fit the tiles
_TITLES = {
    "logit": "logit L",
    "bias": "bias (L + Lᵀ) / 2",
}


def show_logits(prompt: str, answers: Answers, training: bool) -> None:
    """Draws the pair logits of a ranker and their position bias; of a training prompt, which none
    is expected to have compared, only where there are some."""
    pairs = ask(compared_pairs, prompt).to_pylist()
    if not pairs:
        if not training:
            st.info("No ranker has compared these candidates in pairs: run `workbench compare`.")
        return
    rankers = called("ranker", {row["ranker"] for row in pairs})
    name = one_chosen("Ranker of the pair logits", "ranker", list(rankers))
    if name is None:
        return
    pairs = [row for row in pairs if row["ranker"] == rankers[name]]
    cells = _cells(pairs, answers)
    if pairs_both(pairs):
        left, right = st.columns(2)
        with left:
            _matrix(cells, answers, name, rankers[name])
        with right:
            _bias(cells, answers, told_bias(pairs), rankers[name])
    else:
        _matrix(cells, answers, name, rankers[name])
        st.caption(told_bias(pairs))


def called(kind: str, ids: Collection[str]) -> dict[str, str]:
    """Name -> id of some rankers or routers: as on all pages, so that a URL holds for each."""
    return {name: one for name, one in model_names(ask(models), kind).items() if one in ids}


def pairs_both(pairs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of each pair that was compared in both orders, the row with the smaller id left."""
    return [p for p in pairs if p["bias"] is not None and p["left_id"] < p["right_id"]]


def told_bias(pairs: Sequence[Mapping[str, Any]]) -> str:
    """How often the order decides, as `position_counts` of the evaluation counts it."""
    both = pairs_both(pairs)
    if not both:
        return "No pair was compared in both orders, so a position bias cannot be seen."
    # With b the bias, the logits of the two orders are l and 2b - l: of one sign, the place wins.
    flips = sum(p["logit"] * (2 * p["bias"] - p["logit"]) > 0 for p in both)
    mean = sum(p["bias"] for p in both) / len(both)
    gains = f"the {'left' if mean > 0 else 'right'} place gains {abs(mean):.2g} logits"
    return (
        f"In {flips} of {len(both)} pairs ({flips / len(both):.0%}) the order decides: the same "
        f"place wins whichever answer stands there. On average "
        f"{gains if mean else 'neither place gains'}."
    )


def _cells(pairs: Sequence[Mapping[str, Any]], answers: Answers) -> pa.Table:
    return pa.table({
        "shown left": [answers.name(p["left_id"]) for p in pairs],
        "shown right": [answers.name(p["right_id"]) for p in pairs],
        "logit": pa.array([p["logit"] for p in pairs], pa.float64()),
        "bias": pa.array([p["bias"] for p in pairs], pa.float64()),
    })  # fmt: skip


def _matrix(cells: pa.Table, answers: Answers, name: str, ranker: str) -> None:
    show_chart(
        "Pair logits",
        f"What {name} says of each pair: blue, the answer of the row (shown left) is better than "
        "that of the column (shown right); red, it is worse; blank, not compared.",
        cells.drop_columns("bias"), _tiles(cells, "logit", answers, _most(cells)), [ranker],
        "comparisons",
    )  # fmt: skip


def _bias(cells: pa.Table, answers: Answers, told: str, ranker: str) -> None:
    both = cells.filter(pc.is_valid(cells["bias"]))
    show_chart(
        "Position bias",
        f"{told} Blue favours the left place, red the right.",
        both.drop_columns("logit"), _tiles(both, "bias", answers, _most(cells)), [ranker],
        "comparisons",
    )  # fmt: skip


def _most(cells: pa.Table) -> float:
    return max(abs(logit) for logit in cells["logit"].to_pylist()) or 1.0


def _tiles(
    cells: pa.Table, field: str, answers: Answers, most: float
) -> alt.LayerChart | alt.FacetChart:
    """Tiles of one field; its colours end at `most` on both sides of 0."""
    order = answers.order
    above = alt.Axis(labelAngle=-60, labelLimit=140, labelOverlap=False, orient="top")
    base = alt.Chart(cells).encode(
        x=alt.X("shown right:N", sort=order, axis=above),
        y=alt.Y("shown left:N", sort=order, axis=alt.Axis(labelLimit=160, labelOverlap=False)),
    )
    below = alt.Legend(orient="bottom", gradientLength=200, titleLimit=400)
    colours = alt.Scale(scheme="redblue", domain=[-most, most])
    tiles = base.mark_rect().encode(
        color=alt.Color(f"{field}:Q", scale=colours, title=_TITLES[field], legend=below),
        tooltip=["shown left:N", "shown right:N", alt.Tooltip(f"{field}:Q", format="+.3f")],
    )
    digits = max(1, 1 - floor(log10(most))) + (field == "bias")
    numbers = base.mark_text(fontSize=9).encode(
        text=alt.Text(f"{field}:Q", format=f".{digits}f"),
        color=alt.condition(
            f"abs(datum.{field}) > {0.6 * most}", alt.value("white"), alt.value("black")
        ),
    )
    layers = [tiles, numbers] if len(answers.rows) <= _TEXTS else [tiles]
    return alt.layer(*layers).properties(height=alt.Step(28))
