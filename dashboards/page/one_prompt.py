"""One prompt: what was asked, and all candidates side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from dashboards.foreign import show_text
from dashboards.naming import scorer_names
from dashboards.page.answers import Answers, answers_of
from dashboards.page.fused import show_fused
from dashboards.page.prompt_logits import show_logits
from dashboards.page.prompt_tables import show_tables, show_verdicts
from dashboards.page.utilities import show_utilities
from dashboards.plain import plain
from dashboards.queries.one_prompt import MOST_ANSWERS, one_prompt
from dashboards.queries.scored import Scorer
from dashboards.reading import ask

_MOST = 24  # candidates side by side; the tables below hold all
_LONG = 500  # characters, from which a text scrolls in its box
_HEIGHT = 240
_TRAINING = (
    "A training prompt: models learn from it, so `compare`, `fuse` and `route` pass it by unless "
    "they are told to take it. If you want that: `workbench compare --splits '[train]'`, then "
    "`workbench aggregate`; `workbench fuse --splits '[train]'`; `workbench route --splits "
    "'[train]'`. Models look better than they are on prompts that they have learned from."
)


def show_prompt(prompt: str, name: str, scorer: Scorer) -> None:
    """Draws all that is known of a prompt; its answers sorted by a scorer, who is called `name`."""
    found = ask(one_prompt, prompt)
    if not found["prompt"].num_rows:
        st.info("The store holds no prompt with this id: look for it in the list.")
        return
    _asked(found["prompt"].to_pylist()[0], found["tags"].to_pylist())
    if not found["candidates"].num_rows:
        st.info("No LLM has answered this prompt: `workbench ingest` brings answers in.")
        return
    training = found["prompt"]["split"][0].as_py() == "train"
    if training:
        st.info(_TRAINING, icon=":material/info:")
    answers = answers_of(found, scorer)
    rankings = _rankings(found["ranks"])
    _candidates(answers, found, name, rankings)
    show_tables(answers, found, rankings, training)
    show_logits(prompt, answers, training)
    show_fused(prompt, answers, scorer, training)
    show_utilities(found["routes"], answers, name, training)
    show_verdicts(prompt, answers)


def _asked(row: Mapping[str, Any], tags: Sequence[Mapping[str, str]]) -> None:
    st.header("Prompt", anchor="one_prompt")
    kind = f" · category {row['category']}" if row["category"] else ""
    st.caption(plain(f"{row['dataset']} · {row['split']}{kind} · id {row['prompt_id']}"))
    if tags:
        st.caption(plain("Tags: " + ", ".join(f"{t['tag']} ({t['tagger']})" for t in tags)))
    fields = [("Instruction", "instruction"), ("Input", "input"), ("Reference answer", "reference")]
    held = [(title, field) for title, field in fields if row[field] or field == "instruction"]
    for column, (title, field) in zip(st.columns(len(held)), held, strict=True):
        with column, st.container(border=True):
            st.markdown(f"**{title}**")
            height = _HEIGHT if row[f"{field}_length"] > 3 * _LONG else None
            show_text(row[field], row[f"{field}_length"], row["prompt_id"], field, height)


def _rankings(ranks: pa.Table) -> dict[tuple[str, str], str]:
    """(ranker, scheme) -> what it is called."""
    made = ranks.select(["ranker", "scheme", "label"]).group_by(["ranker", "scheme", "label"])
    known = made.aggregate([]).rename_columns(["scorer", "scheme", "label"])
    known = known.append_column("kind", pa.array(["ranker"] * known.num_rows, pa.string()))
    return {(one.scorer, one.scheme): name for name, one in scorer_names(known).items()}


def _candidates(
    answers: Answers,
    found: Mapping[str, pa.Table],
    name: str,
    rankings: Mapping[tuple[str, str], str],
) -> None:
    st.subheader("Answers side by side", anchor="answers")
    order = f"best first by {name}" if answers.scores else "by name"
    shown, count = answers.rows[:_MOST], len(answers.rows)
    few = f"; {_MOST} of {count} shown" if count > _MOST else ""
    cut = f", the first {MOST_ANSWERS}" if count == MOST_ANSWERS else ""
    st.caption(plain(f"{count} candidates{cut}, {order}{few}. The texts are shown as they are."))
    qualities = found["qualities"].to_pylist()
    ranks = found["ranks"].to_pylist()
    for start in range(0, len(shown), 3):
        row = shown[start : start + 3]
        height = _HEIGHT if any((one["length"] or 0) > _LONG for one in row) else None
        for column, one in zip(st.columns(3), row, strict=False):
            with column, st.container(border=True):
                of = one["candidate_id"]
                st.markdown(_title(answers, one))
                show_text(one["text"], one["length"], of, height=height)
                _measured([q for q in qualities if q["candidate_id"] == of])
                _costs(one)
                _ranks([r for r in ranks if r["candidate_id"] == of], rankings)


def _title(answers: Answers, one: Mapping[str, Any]) -> str:
    of, scores = one["candidate_id"], answers.scores
    place = f"{1 + sum(v > scores[of] for v in scores.values())}. " if of in scores else ""
    return f"**{plain(place + answers.names[of])}**"


def _measured(qualities: Sequence[Mapping[str, Any]]) -> None:
    if qualities:
        st.caption(plain(" · ".join(f"{q['measure']} {q['value']:.3f}" for q in qualities)))


def _costs(one: Mapping[str, Any]) -> None:
    known = [
        f"{one['length']:,} characters" if one["length"] is not None else "",
        f"{one['tokens_in']:,} tokens in" if one["tokens_in"] is not None else "",
        f"{one['tokens_out']:,} tokens out" if one["tokens_out"] is not None else "",
        f"{_for_thousand(one['usd'])} USD per 1,000 such answers" if one["usd"] is not None else "",
        f"{one['latency_s']:.2f} s" if one["latency_s"] is not None else "",
        one["decoding"][:80],
    ]
    told = " · ".join(filter(None, known))
    if told:
        st.caption(plain(told))


def _for_thousand(usd: float) -> str:
    """What a thousand cost, with three digits that tell something and no exponent."""
    return np.format_float_positional(
        1000 * usd, precision=3, unique=False, fractional=False, trim="-"
    )


def _ranks(ranks: Sequence[Mapping[str, Any]], rankings: Mapping[tuple[str, str], str]) -> None:
    if not ranks:
        return
    low, high = min(r["rank"] for r in ranks), max(r["rank"] for r in ranks)
    told = f"Rank {low}" if low == high else f"Ranks {low} to {high}"
    with st.expander(f"{told} in {len(ranks)} ranking{'s' if len(ranks) > 1 else ''}"):
        st.text("\n".join(f"{r['rank']}  {rankings[r['ranker'], r['scheme']]}" for r in ranks))
