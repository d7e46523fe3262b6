"""Texts of any length that LLMs and data sets have written, as nothing but text."""

from functools import partial

import streamlit as st

from dashboards.queries.one_prompt import whole_text
from dashboards.reading import ask

# Control characters, ANSI escapes among them, as signs that can be seen; new lines and tabs stay.
_SIGNS = {code: 0x2400 + code for code in range(32) if code not in (9, 10)}
_SIGNS |= {127: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


def seen(text: str) -> str:
    """The text with its control characters as signs: ␀ for NUL, ␛ for what begins an ANSI code."""
    return text.replace("\r\n", "\n").translate(_SIGNS)


def show_text(
    text: str | None, length: int | None, source: str, field: str = "", height: int | None = None
) -> None:
    """A text as text: no markup in it means anything.

    Args:
        text: its beginning; NULL is told, and so is a text of blanks.
        length: characters of all of it; where there are more than in `text`, it downloads whole.
        source: id of the candidate or fusion; of the prompt with `field`.
        field: `instruction`, `input` or `reference` of a prompt.
        height: pixels of the box, in which a longer text scrolls; None: as high as it is.
    """
    with st.container(height=height or "content", border=False):
        if text is None:
            st.caption("The text is not known: only qualities of this answer were ingested.")
        elif not text.strip():
            st.caption("An empty text." if not text else "Nothing but blanks.")
        else:
            st.text(seen(text))
    if text is not None and length is not None and length > len(text):
        st.caption(f"The first {len(text):,} of {length:,} characters.")
        st.download_button(
            "Whole text", partial(ask, whole_text, source, field), f"{source}{field}.txt",
            "text/plain", key=f"whole_{source}_{field}", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip
