"""The candidates of a prompt as tables: by measure, by ranking, and as judges see them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import show as show_chart
from dashboards.page.answers import Answers
from dashboards.queries.one_prompt import MOST_VERDICTS, verdicts
from dashboards.reading import ask

_KNOW_LITTLE = {
    "bubble": "bubble knows only the first, so all others share a place",
    "knockout": "knockout ranks by the round in which an answer lost, so those of a round share a "
    "place",
    "top_k": "top_k compares until it is sure of the best k (of one, unless its name tells a k) "
    "and guesses the rest",
}


def show_tables(
    answers: Answers,
    found: Mapping[str, pa.Table],
    rankings: Mapping[tuple[str, str], str],
    training: bool,
) -> None:
    """Draws candidate × measure, and candidate × ranking; tells what is missing.

    A training prompt is not expected to be ranked.
    """
    qualities, ids = found["qualities"].to_pylist(), [row["candidate_id"] for row in answers.rows]
    if qualities:
        show_chart(
            "Qualities", "What each measure thinks of each candidate; empty: not measured.",
            pivoted(answers.names, qualities, "candidate_id", "measure", ids),
            source="qualities",
        )  # fmt: skip
    else:
        st.info("No candidate is measured: run `workbench measure`.")
    ranks = found["ranks"].to_pylist()
    if ranks:
        _ranks(answers, ranks, rankings)
    elif not training:
        st.info(
            "No ranker has ranked these candidates: run `workbench compare`, then "
            "`workbench aggregate`."
        )


def pivoted(
    names: Mapping[str, str],
    qualities: Sequence[Mapping[str, Any]],
    key: str,
    across: str,
    order: Sequence[str],
    first: str = "answer",
    taken: Collection[str] = (),
) -> pa.Table:
    """One row a thing in order, one column a measure.

    Args:
        names: id -> name, which becomes the first column.
        qualities: rows with the id under `key`, the measure under `across`, and `value`.
        order: ids.
        first: name of the first column.
        taken: names of columns that are added later: no measure's column is called so.
    """
    value = {(q[key], q[across]): q["value"] for q in qualities}
    measures = dict.fromkeys(q[across] for q in qualities)
    columns: dict[str, list[Any]] = {first: [names[one] for one in order]}
    for measure in measures:
        column = measure
        while column in taken or column in columns:
            column += " (measure)"
        columns[column] = [value.get((one, measure)) for one in order]
    return pa.table(columns)


def _ranks(
    answers: Answers,
    ranks: Sequence[Mapping[str, Any]],
    rankings: Mapping[tuple[str, str], str],
) -> None:
    rankers = dict.fromkeys(r["ranker"] for r in ranks)
    names = list(rankings.values())
    common = ""
    if len(rankers) == 1:  # its name stands in the sentence, not on each column
        common = names[0].rpartition(", ")[0] if ", " in names[0] else ""
        if not all(name.startswith(f"{common}, ") for name in names):
            common = ""
    cells = pa.table({
        "answer": [answers.name(r["candidate_id"]) for r in ranks],
        "ranking": [rankings[r["ranker"], r["scheme"]].removeprefix(f"{common}, ") for r in ranks],
        "rank": pa.array([r["rank"] for r in ranks], pa.int64()),
        "score": pa.array([r["score"] for r in ranks], pa.float64()),
    })  # fmt: skip
    base = alt.Chart(cells).encode(
        x=alt.X(
            "ranking:N",
            title=None,
            axis=alt.Axis(labelAngle=-30, labelLimit=220, labelOverlap=False),
        ),
        y=alt.Y(
            "answer:N",
            title=None,
            sort=answers.order,
            axis=alt.Axis(labelLimit=260, labelOverlap=False),
        ),
    )
    tiles = base.mark_rect().encode(
        color=alt.Color("rank:Q", title="rank", scale=alt.Scale(scheme="blues", reverse=True)),
        tooltip=["answer:N", "ranking:N", "rank:Q", alt.Tooltip("score:Q", format=".3f")],
    )
    middle = max(cells["rank"].to_pylist()) * 0.45
    numbers = base.mark_text().encode(
        text="rank:Q",
        color=alt.condition(f"datum.rank < {middle}", alt.value("white"), alt.value("black")),
    )
    by = f" by {common}" if common else ""
    little = _little_known([r["scheme"] for r in ranks])
    show_chart(
        "Ranks",
        f"Which place each scheme gives each candidate{by}: 1 and dark is best; rows that change "
        f"colour are what the schemes disagree on.{little}",
        cells, (tiles + numbers).properties(height=alt.Step(26)), list(rankers), "rankings",
    )  # fmt: skip


def _little_known(schemes: Sequence[str]) -> str:
    """What schemes that compare few pairs leave open; nothing where none is such."""
    names = {scheme.partition("(")[0].partition(";")[0] for scheme in schemes}
    told = [told for name, told in _KNOW_LITTLE.items() if name in names]
    return f" Schemes that save comparisons: {'; '.join(told)}." if told else ""


def show_verdicts(prompt: str, answers: Answers) -> None:
    """Draws what judges said of two answers, where they did."""
    found = ask(verdicts, prompt).to_pylist()
    if not found:
        return
    cells = pa.table({
        "judge": [v["judge"] for v in found],
        "shown left": [answers.name(v["left_id"]) for v in found],
        "shown right": [answers.name(v["right_id"]) for v in found],
        "verdict": [v["verdict"] for v in found],
    })  # fmt: skip
    cut = f" The first {MOST_VERDICTS} are shown." if len(found) == MOST_VERDICTS else ""
    show_chart(
        "Verdicts",
        "Which of two answers each judge, a person or an LLM, found better; two answers may be "
        f"presented in both orders.{cut}",
        cells, source="verdicts",
    )  # fmt: skip
