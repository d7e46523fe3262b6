"""What two LLMs answered to one prompt, side by side, with the words that both have marked."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import streamlit as st

from dashboards.foreign import seen, show_text
from dashboards.marked import marked, shared_words
from dashboards.plain import plain
from dashboards.queries.duel import Duel
from dashboards.queries.two_answers import two_answers
from dashboards.reading import ask

_HEIGHT = 480  # pixels; longer answers scroll


def show_two_answers(two: Duel, name: str, largest: Sequence[str]) -> None:
    """Draws the two answers to the prompt of the URL, or else to that with the largest gap."""
    st.header("The two answers", anchor="answers", divider="gray")
    chosen = st.text_input(
        "Prompt", key="prompt", bind="query-params", placeholder="id of a prompt",
        help="A row that is ticked above comes here; empty: the largest gap.",
    )  # fmt: skip
    prompt = chosen.strip() or next(iter(largest), "")
    if not prompt:
        st.info("The two tie on all prompts: type the id of one.")
        return
    found = ask(two_answers, two, prompt)
    if not found["prompt"].num_rows:
        st.info(f"This store has no prompt {plain(prompt)}.")
        return
    _prompt(found["prompt"].to_pylist()[0])
    answers = {row["llm"]: row for row in found["answers"].to_pylist()}
    rows = [answers.get(llm, {"llm": llm}) for llm in (two.a, two.b)]
    st.caption(
        "Marked: words that stand in both answers, short ones only beside others. What is not "
        "marked is what one says alone."
    )
    shared = shared_words(*(row.get("text") or "" for row in rows))
    scores = [row.get("score") for row in rows]
    for column, row, other in zip(st.columns(2), rows, scores[::-1], strict=True):
        with column:
            _answer(row, other, shared, name, two.scorer.kind == "router")


def _prompt(prompt: Mapping[str, Any]) -> None:
    place = " · ".join(filter(None, (prompt["dataset"], prompt["split"], prompt["category"])))
    link = f"[open on the page Prompts](prompts?prompt={quote(prompt['prompt_id'], safe='')})"
    st.caption(f"{plain(place)} · {link}")
    question, reference = st.columns(2)
    with question, st.container(border=True):
        st.markdown("**Prompt**")
        for text in filter(None, (prompt["instruction"], prompt["input"])):
            st.text(seen(text))
    with reference, st.container(border=True):
        st.markdown("**Reference**")
        if prompt["reference"]:
            st.text(seen(prompt["reference"]))
        else:
            st.caption("This prompt has none.")


def _answer(
    row: Mapping[str, Any], other: float | None, shared: frozenset[str], name: str, of_llm: bool
) -> None:
    """One answer; `of_llm`: its score is the LLM's, whichever of its answers is taken."""
    score = row.get("score")
    st.subheader(plain(row["llm"]))
    if score is None:
        st.caption(f"No score by {plain(name)}.")
    else:
        ahead = " – better" if other is not None and score > other else ""
        st.caption(f"{plain(name)}: {score:.3f}{ahead}")
    if "text" not in row:
        st.info("This LLM has no answer to this prompt.")
        return
    if row["text"] is None or not row["text"].strip():
        show_text(row["text"], row["length"], row["candidate_id"])
        return
    tall = len(row["text"]) > 1800
    with st.container(border=True, height=_HEIGHT if tall else "content"):
        st.html(marked(row["text"], shared))
    notes = [f"{row['length']:,} characters"]
    if row["length"] > len(row["text"]):
        notes.append(f"the first {len(row['text']):,} shown")
    if row["answers"] > 1:
        which = "one" if of_llm or score is None else "the best"
        notes.append(f"{which} of {row['answers']} answers, {row['decoding'] or 'no decoding'}")
    st.caption(plain("; ".join(notes)))
