"""The fused answers to a prompt, with what they were made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboards.charts import show as show_chart
from dashboards.foreign import seen, show_text
from dashboards.page.answers import Answers
from dashboards.page.prompt_tables import pivoted
from dashboards.plain import plain
from dashboards.queries.one_prompt import MOST_ANSWERS, fused_answers
from dashboards.queries.scored import Scorer
from dashboards.reading import ask
from workbench.stages.rankers import short

_MOST = 6  # different answers as text; the table holds all


def show_fused(prompt: str, answers: Answers, scorer: Scorer) -> None:
    """Draws the fused answers, best first by the scorer's measure or else the first measure."""
    found = ask(fused_answers, prompt)
    rows, qualities = found["fusions"].to_pylist(), found["qualities"].to_pylist()
    if not rows:
        st.info("No fused answer to this prompt: run `workbench fuse`.")
        return
    measures = sorted({q["measure"] for q in qualities})
    measure = scorer.scorer if scorer.scorer in measures else next(iter(measures), "")
    value = {q["fusion_id"]: q["value"] for q in qualities if q["measure"] == measure}
    rows.sort(key=lambda row: -value.get(row["fusion_id"], float("-inf")))
    st.subheader("Fused answers", anchor="fused")
    _texts(rows, qualities, answers, measure)
    _table(rows, qualities, answers)


def _texts(
    rows: Sequence[Mapping[str, Any]],
    qualities: Sequence[Mapping[str, Any]],
    answers: Answers,
    measure: str,
) -> None:
    alike: dict[tuple[str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for row in rows:
        alike.setdefault((row["text"], tuple(row["candidate_ids"])), []).append(row)
    order = f", best first by {measure}" if measure else ""
    few = f"; {_MOST} shown, all of them below" if len(alike) > _MOST else ""
    st.caption(plain(
        f"What fusers wrote from several candidates: {len(alike)} different answers or sources"
        f"{order}{few}."
    ))  # fmt: skip
    groups = list(alike.values())[:_MOST]
    for start in range(0, len(groups), 3):
        for column, group in zip(st.columns(3), groups[start : start + 3], strict=False):
            with column, st.container(border=True):
                _card(group, qualities, answers)


def _card(
    group: Sequence[Mapping[str, Any]], qualities: Sequence[Mapping[str, Any]], answers: Answers
) -> None:
    row = group[0]
    st.markdown(f"**{plain(_fuser(row))}**, K = {row['top_k']}")
    show_text(
        row["text"], row["length"], row["fusion_id"], height=240 if row["length"] > 500 else None
    )
    own = [q for q in qualities if q["fusion_id"] == row["fusion_id"]]
    if own:
        st.caption(plain(" · ".join(f"{q['measure']} {q['value']:.3f}" for q in own)))
    sources = ", ".join(answers.name(one) for one in row["candidate_ids"])
    st.caption(plain(f"made of, in this order: {sources}"))
    settings = "1 setting" if len(group) == 1 else f"{len(group)} settings"
    with st.expander(f"Made by {settings}", key=f"settings_{row['fusion_id']}"):
        st.text("\n\n".join(_setting(one) for one in group))


def _table(
    rows: Sequence[Mapping[str, Any]], qualities: Sequence[Mapping[str, Any]], answers: Answers
) -> None:
    ids = [row["fusion_id"] for row in rows]
    names = {row["fusion_id"]: _fuser(row) for row in rows}
    cells = pivoted(names, qualities, "fusion_id", "measure", ids).rename_columns(
        {"answer": "fuser"}
    )
    told: dict[str, list[Any]] = {
        "K": [row["top_k"] for row in rows],
        "made of": [", ".join(answers.name(one) for one in row["candidate_ids"]) for row in rows],
        "text": [seen(row["text"]) for row in rows],
        "ranking": [_ranking(row) for row in rows],
        "order": [row["candidate_order"] for row in rows],
        "decoding": [row["decoding"] for row in rows],
    }
    for name, values in told.items():
        cells = cells.append_column(name, [values])
    cut = f" The first {MOST_ANSWERS} are shown." if len(rows) == MOST_ANSWERS else ""
    runs = [run for row in rows for run in (row["fuser"], row["ranker"]) if run]
    show_chart(
        "How they were fused",
        "Every fused answer with its fuser, how many candidates it read (K), which and in which "
        f"order, who had ranked them, and how it was decoded.{cut}",
        cells, runs=list(dict.fromkeys(runs)), source="fusions",
    )  # fmt: skip


def _fuser(row: Mapping[str, Any]) -> str:
    label = row["fuser_label"]
    return f"{label} {short(row['fuser'])}" if label else short(row["fuser"])


def _ranking(row: Mapping[str, Any]) -> str:
    ranker = row["ranker_label"] or (short(row["ranker"]) if row["ranker"] else "no ranker")
    return f"{ranker}, {row['scheme']}" if row["scheme"] else ranker


def _setting(row: Mapping[str, Any]) -> str:
    order = f"candidates in the order {row['candidate_order']}" if row["candidate_order"] else ""
    parts = (f"{_fuser(row)}, K = {row['top_k']}", _ranking(row), order, row["decoding"])
    return "\n".join(filter(None, parts))
