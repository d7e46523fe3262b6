"""Rankers and schemes: do they order answers as the measures do, and what do they cost?"""

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import show as show_chart
from dashboards.dots import dots, levels, prompts_told
from dashboards.filters import one_chosen, scorer_chosen
from dashboards.intervals import around
from dashboards.naming import model_names, ranking_name
from dashboards.page import comparisons, evaluated_rankings, ranker_logits
from dashboards.page.not_of_test import show_not_of_test
from dashboards.queries.models import models
from dashboards.queries.rankers import agreement
from dashboards.queries.scored import Part
from dashboards.reading import ask

_SOURCE = "rankings, qualities"


def show(part: Part) -> None:
    """Draws the page for the chosen prompts."""
    known = model_names(ask(models), "ranker")
    if not known:
        st.info(
            "No ranker has compared anything in this store yet: `workbench train --model "
            "PairRanker …` trains one, `workbench compare` makes comparisons, and `workbench "
            "aggregate` makes ranks of them."
        )
        return
    chosen = scorer_chosen(("measure",), "Measure", "measure")
    ranker = one_chosen("Ranker", "ranker", list(known))
    measure = chosen[1].scorer if chosen else None
    if measure is not None:
        found = ask(agreement, part, measure)
        _agreement(found, measure, known)
        evaluated_rankings.show(part, measure, known)
        comparisons.show(part, measure, known, found)
    if ranker is not None:
        ranker_logits.show(part, ranker, known, measure)


def _agreement(found: dict[str, pa.Table], measure: str, known: dict[str, str]) -> None:
    if not found["picks"].num_rows:
        st.info(
            "No chosen prompt has both ranks and this measure: `workbench aggregate` makes ranks, "
            "`workbench measure` makes qualities; or choose others in the sidebar."
        )
        return
    show_not_of_test(found)
    seen = prompts_told(found["sizes"])
    left, right = st.columns(2)
    with left:
        _ordered(named(around(found["ordered"], "share"), known), measure, seen)
    with right:
        _picks(named(around(found["picks"], "quality"), known), found, measure, seen)


def _ordered(numbers: pa.Table, measure: str, seen: str) -> None:
    if not numbers.num_rows:
        st.info("All answers to these prompts are equally good by this measure: no pair to order.")
        return
    order = _by(numbers, "share")
    chart = dots(numbers, "ranking", "share", "share of pairs ordered rightly", order, ".1%")
    show_chart(
        "Pairs ordered rightly",
        f"How often the better of two answers by {measure} has the higher score; a coin is right "
        f"half the time, and a scheme that only finds the first ties the rest. {seen}; lines: "
        "95 % interval over prompts.",
        numbers, chart.properties(height=alt.Step(24)), numbers["ranker"].to_pylist(), _SOURCE,
    )  # fmt: skip


def _picks(numbers: pa.Table, found: dict[str, pa.Table], measure: str, seen: str) -> None:
    order = _by(numbers, "quality")
    chart = dots(numbers, "ranking", "quality", f"mean {measure} of the pick", order)
    single = found["best_single"]
    who = f"BestSingle is {single['llm'][0].as_py()}, chosen on validation. " if len(single) else ""
    show_chart(
        "Quality of the pick",
        f"Mean {measure} of the answer that is ranked first, beside the best answer (Oracle), one "
        f"LLM for all prompts (BestSingle) and any answer (Random). {who}{seen}.",
        numbers, (levels(found["beside"], "quality", "system") + chart)
        .properties(height=alt.Step(24)), numbers["ranker"].to_pylist(), _SOURCE,
    )  # fmt: skip


def named(numbers: pa.Table, known: dict[str, str]) -> pa.Table:
    """The table with a first column `ranking`: what its ranker with its scheme is called."""
    pairs = zip(numbers["ranker"].to_pylist(), numbers["scheme"].to_pylist(), strict=True)
    names = [ranking_name(ranker, scheme, known) for ranker, scheme in pairs]
    return numbers.add_column(0, "ranking", pa.array(names, pa.string()))


def _by(numbers: pa.Table, column: str) -> list[str]:
    """Names of the rankings, the best first."""
    return numbers.sort_by([(column, "descending")])["ranking"].to_pylist()
