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


def show_fused(prompt: str, answers: Answers, scorer: Scorer, training: bool) -> None:
    """Draws the fused answers, best first by the scorer's measure or else the first measure.

    A training prompt is not expected to have any.
    """
    found = ask(fused_answers, prompt)
    rows, qualities = found["fusions"].to_pylist(), found["qualities"].to_pylist()
    if not rows:
        if not training:
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
    alike: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        alike.setdefault((row["text"], row["length"]), []).append(row)
    written = "1 fused answer" if len(rows) == 1 else f"{len(rows)} fused answers"
    if len(alike) < len(rows):
        written += " with the same text" if len(alike) == 1 else f" with {len(alike)} texts"
    order = f", best first by {measure}" if measure and len(alike) > 1 else ""
    few = f"; the first {_MOST} as cards, all in the table below" if len(alike) > _MOST else ""
    st.caption(plain(f"What fusers wrote from the candidates: {written}{order}{few}."))
    groups = list(alike.values())[:_MOST]
    for start in range(0, len(groups), 3):
        for column, group in zip(st.columns(3), groups[start : start + 3], strict=False):
            with column, st.container(border=True):
                _card(group, qualities, answers)


def _card(
    group: Sequence[Mapping[str, Any]], qualities: Sequence[Mapping[str, Any]], answers: Answers
) -> None:
    row = group[0]
    fusers = list(dict.fromkeys(_fuser(one) for one in group))
    read = ", ".join(str(k) for k in sorted({one["top_k"] for one in group}))
    st.markdown(f"**{plain(_few(fusers))}**, K = {read}")
    show_text(
        row["text"], row["length"], row["fusion_id"], height=240 if row["length"] > 500 else None
    )
    own = [q for q in qualities if q["fusion_id"] == row["fusion_id"]]
    if own:
        st.caption(plain(" · ".join(f"{q['measure']} {q['value']:.3f}" for q in own)))
    if len({tuple(one["candidate_ids"]) for one in group}) == 1:
        st.caption(plain(f"made of, in this order: {_sources(row, answers)}"))
    settings = "1 setting" if len(group) == 1 else f"{len(group)} settings"
    with st.expander(f"Made by {settings}", key=f"settings_{row['fusion_id']}"):
        st.text("\n\n".join(_setting(one, answers) for one in group))


def _table(
    rows: Sequence[Mapping[str, Any]], qualities: Sequence[Mapping[str, Any]], answers: Answers
) -> None:
    ids = [row["fusion_id"] for row in rows]
    names = {row["fusion_id"]: _fuser(row) for row in rows}
    told: dict[str, list[Any]] = {
        "K": [row["top_k"] for row in rows],
        "made of": [_sources(row, answers) for row in rows],
        "text": [seen(row["text"]) for row in rows],
        "ranking": [_ranking(row) for row in rows],
        "order": [row["candidate_order"] for row in rows],
        "decoding": [row["decoding"] for row in rows],
    }
    cells = pivoted(names, qualities, "fusion_id", "measure", ids, "fuser", told)
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


def _few(names: Sequence[str], most: int = 2) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _sources(row: Mapping[str, Any], answers: Answers) -> str:
    return ", ".join(answers.name(one) for one in row["candidate_ids"])


def _setting(row: Mapping[str, Any], answers: Answers) -> str:
    order = f"candidates in the order {row['candidate_order']}" if row["candidate_order"] else ""
    made = f"made of {_sources(row, answers)}"
    parts = (f"{_fuser(row)}, K = {row['top_k']}", made, _ranking(row), order, row["decoding"])
    return "\n".join(filter(None, parts))
