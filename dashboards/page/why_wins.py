"""Why one of two LLMs wins: what its winning answers have that others lack."""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.intervals import Z
from dashboards.page.duel import colours
from dashboards.queries.duel import Duel
from dashboards.queries.why_wins import AT_LEAST, FIRST_WORDS, phrases, traits
from dashboards.reading import ask

_AGAINST = {"the other's answers": "other", "its own losing answers": "own"}
_TOLD = {
    "other": "the other LLM's answers to the same prompts",
    "own": "the answers with which it loses",
}
_NAMES = {
    "characters": "characters",
    "words": "words",
    "list": "% with a list",
    "code": "% with code",
    "refusal": "% that refuse",
}
_RARE = {"list": "lists", "code": "code", "refusal": "refusals"}
_FEW = 20  # answers below which an interval would be worth nothing
_ASKED, _SHOWN = 80, 15  # phrases, before and after those that are parts of others are left out
_PART = 0.8  # a phrase of this share of its longer one's answers, or more, is told by the longer
_SOURCE = "candidates, scored_llms"


def show_why(two: Duel, name: str, runs: Sequence[str]) -> None:
    """Draws what the winning answers have, against others that can be chosen."""
    st.header("Why one wins", anchor="why", divider="gray")
    found = ask(traits, two)
    size = found["size"].to_pylist()[0]
    if not size["prompts"]:
        st.info(
            "No prompt with a winner has both answers as text, so there is nothing to look at: "
            "ingest the texts with `workbench ingest`."
        )
        return
    told = f"all {size['of']:,} prompts without a tie"
    if size["prompts"] < size["of"]:
        told = f"{size['prompts']:,} of {size['of']:,} prompts without a tie, the same each time"
    st.caption(
        f"Looked at: both answers to {told}. What goes along with winning need not be its cause."
    )
    label = st.segmented_control(
        "Winning answers against", list(_AGAINST), default=next(iter(_AGAINST)), required=True,
        key="against", bind="query-params",
        help="Against the other LLM's answers to the same prompts: what sets the winner apart, its "
        "habits too. Against its own losing answers: what it does when it wins.",
    )  # fmt: skip
    against = _AGAINST[label]
    _traits(two, found["contrasts"], against, name, runs)
    few = ask(phrases, two, against, _ASKED)
    for column, which, llm in zip(st.columns(2), "AB", (two.a, two.b), strict=True):
        with column:
            _phrases(two, which, llm, few.filter(pc.equal(few["winner"], llm)), against, runs)


def _traits(two: Duel, contrasts: pa.Table, against: str, name: str, runs: Sequence[str]) -> None:
    rows = contrasts.filter(pc.equal(contrasts["against"], against)).drop_columns(["against"])
    answers = pc.min_element_wise(rows["answers"], rows["against_answers"])
    rows = rows.filter(pc.greater_equal(answers, _FEW))
    if not rows.num_rows:
        st.info(f"Too few: neither has {_FEW} winning answers to hold against {_FEW} others.")
        return
    means = pc.max_element_wise(rows["mean"], rows["against_mean"])
    seen = rows.filter(pc.greater(means, 0))
    none = [text for trait, text in _RARE.items() if trait not in seen["trait"].to_pylist()]
    left_out = {two.a, two.b} - set(seen["winner"].to_pylist())
    notes = [f" In no answer: {', '.join(none)}."] if none else []
    notes += [f" Left out: {llm}, fewer than {_FEW} answers." for llm in left_out]
    seen = _with_ends(seen)
    show_chart(
        "What winning answers have",
        f"What winning answers by {name} have more (right of the line) or less of than "
        f"{_TOLD[against]}; lines: 95 % interval, pale where it crosses 0 and may be chance. A "
        "list is two lines with bullets or numbers; refusals are known by words such as "
        f"I'm sorry or As an AI at the beginning.{''.join(notes)}",
        seen, _trait_chart(two, seen), runs, _SOURCE,
    )  # fmt: skip


def _with_ends(rows: pa.Table) -> pa.Table:
    difference, error = rows["difference"].to_numpy(), rows["error"].to_numpy()
    low, high = difference - Z * error, difference + Z * error
    clear = np.where((low > 0) | (high < 0), "yes", "may be chance")
    for column, values in (("low", low), ("high", high), ("clear", clear)):
        rows = rows.append_column(column, pa.array(values))
    names = pa.array([_NAMES[trait] for trait in rows["trait"].to_pylist()], pa.string())
    return rows.set_column(rows.schema.get_field_index("trait"), "trait", names)


def _trait_chart(two: Duel, rows: pa.Table) -> alt.FacetChart:
    pale = alt.condition("datum.clear == 'yes'", alt.value(1.0), alt.value(0.35))
    base = alt.Chart().encode(
        y=alt.Y("winner:N", sort=[two.a, two.b], title=None,
                axis=alt.Axis(labelLimit=170)),
        opacity=pale,
        tooltip=["winner:N", "trait:N", *(_number(field) for field in _FIELDS), "clear:N",
                 alt.Tooltip("answers:Q", format=","),
                 alt.Tooltip("against_answers:Q", format=",")],
    )  # fmt: skip
    zero = alt.Chart().mark_rule(color=LINES, strokeDash=[4, 4]).encode(x=alt.datum(0))
    ends = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title=None, axis=alt.Axis(tickCount=4)), x2="high:Q", color=_colour(two)
    )
    points = base.mark_point(filled=True, size=90).encode(
        x=alt.X("difference:Q", title=None, axis=alt.Axis(tickCount=4)), color=_colour(two)
    )
    layers = alt.layer(zero, ends, points, data=rows).properties(width=230, height=64)
    facet = alt.Facet("trait:N", title=None, sort=list(_NAMES.values()))
    return layers.facet(facet, columns=3).resolve_scale(x="independent")


def _phrases(
    two: Duel, which: str, llm: str, rows: pa.Table, against: str, runs: Sequence[str]
) -> None:
    title = f"Phrases when {which} wins"
    rows = rows.filter(pc.greater(rows["z"], 0))
    if not rows.num_rows:
        st.subheader(title)
        st.info(f"No phrase that is in {AT_LEAST} of these answers is in more of those that win.")
        return
    looked_at = rows["looked_at"][0].as_py()
    sure = NormalDist().inv_cdf(1 - 0.05 / (2 * looked_at))
    shown = pa.Table.from_pylist(without_parts(rows.to_pylist())[:_SHOWN])
    clear = pc.greater(shown["z"], sure)
    shown = shown.append_column("clear", pc.if_else(clear, "yes", "may be chance"))
    bars = alt.Chart(shown).mark_bar().encode(
        y=alt.Y("phrase:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
        x=alt.X("z:Q", title="z of the log-odds"),
        color=_colour(two, "winner"),
        opacity=alt.condition("datum.clear == 'yes'", alt.value(1.0), alt.value(0.4)),
        tooltip=["phrase:N", _number("z"), _number("log_odds"), "clear:N",
                 "found:Q", "answers:Q", "against_found:Q", "against_answers:Q"],
    )  # fmt: skip
    line = alt.Chart(pa.table({"sure": [sure]})).mark_rule(strokeDash=[5, 4], color=LINES)
    topics = " They tell what it wins on, too." if against == "own" else ""
    none = "" if any(clear.to_pylist()) else " None is: do not read reasons into them."
    show_chart(
        title,
        f"Words and phrases that more of the answers with which {llm} wins have than "
        f"{_TOLD[against]}. Of {looked_at:,} phrases looked at (in the first {FIRST_WORDS} words), "
        f"those beyond the line, z = {sure:.1f}, are more than chance (5 % for all of them, "
        f"Bonferroni).{none}{topics}",
        shown, (bars + line.encode(x="sure:Q")).properties(height=alt.Step(20)), runs, _SOURCE,
    )  # fmt: skip


def without_parts(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Phrases without those that hardly stand but within a longer one of the list.

    Args:
        rows: phrase (words with a blank between) and found (answers that have it).
    """
    longer = [(f" {row['phrase']} ", row["found"]) for row in rows]
    return [
        row
        for row in rows
        if not any(
            f" {row['phrase']} " in phrase
            and len(phrase) > len(row["phrase"]) + 2
            and found >= _PART * row["found"]
            for phrase, found in longer
        )
    ]


def _colour(two: Duel, field: str = "winner") -> alt.Color:
    return alt.Color(f"{field}:N", scale=colours(two), legend=None)


def _number(field: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", format=".2f")


_FIELDS = ("difference", "low", "high", "mean", "against_mean")
