"""Prompts: those that are searched for, and all that is known of the one that is opened."""

from collections.abc import Sequence

import pyarrow as pa
import streamlit as st

from dashboards.filters import one_chosen, scorer_chosen
from dashboards.foreign import seen
from dashboards.page.one_prompt import show_prompt
from dashboards.plain import plain
from dashboards.queries.one_prompt import one_prompt
from dashboards.queries.prompts import NO_SCORER, Wanted, found_prompts, llms, place_found
from dashboards.queries.scored import Part, Scorer
from dashboards.reading import ask

_SORTS = {
    "widest gap first": "widest",
    "narrowest gap first": "narrowest",
    "lowest best score first": "hardest",
    "highest best score first": "easiest",
    "longest first": "longest",
    "by id": "id",
}
_PAGE = 20  # prompts of the list that are shown together
_ANY = "any LLM"
_NOT_CHOSEN = "This prompt is not among those chosen."


def show(part: Part) -> None:
    """Draws the page for the chosen prompts."""
    known = scorer_chosen()
    name, scorer = known or ("", NO_SCORER)
    wanted = _wanted(scorer)
    opened = st.sidebar.text_input(
        "Prompt", key="prompt", bind="query-params", placeholder="id of a prompt",
        help="Opens it; so does a row of the list.",
    )  # fmt: skip
    shown = _list(part, scorer, name, wanted, opened)
    if opened:
        _steps(opened, shown, (part, scorer, wanted))
        show_prompt(opened, name, scorer)


def _wanted(scorer: Scorer) -> Wanted:
    scored = scorer != NO_SCORER
    best, spread = _ANY, (0, 100)
    if scored:
        names = [_ANY, *ask(llms)["llm"].to_pylist()]
        best = one_chosen("Best LLM", "best", names) or _ANY
        spread = st.sidebar.slider(
            "Spread of scores, percentile", 0, 100, (0, 100), 5, key="spread", bind="query-params",
            help="By the gap between the best and the worst answer: 90 to 100 takes the tenth of "
            "prompts on which it matters most which LLM answers.",
        )  # fmt: skip
    left, middle, right = st.columns([5, 2, 3], vertical_alignment="bottom")
    find = left.text_input(
        "Search", key="find", bind="query-params", placeholder="words of the prompt",
        icon=":material/search:", on_change=_first_page,
    )  # fmt: skip
    answers = middle.toggle(
        "also in answers", key="answers", bind="query-params", on_change=_first_page
    )
    sorts = [text for text, sort in _SORTS.items() if scored or sort in ("longest", "id")]
    sort = right.selectbox("Sort", sorts, key="sort", bind="query-params", on_change=_first_page)
    return Wanted(
        find.strip(), answers, None if best == _ANY else best,
        (spread[0] / 100, spread[1] / 100), _SORTS[sort],
    )  # fmt: skip


def _first_page() -> None:
    st.session_state["page"] = 1


def _list(part: Part, scorer: Scorer, name: str, wanted: Wanted, opened: str) -> list[str]:
    """Draws the list; returns the ids that it shows."""
    asked = (found_prompts, part, scorer, wanted, _PAGE)
    found = ask(*asked, 0)
    count = found["count"]["prompts"][0].as_py()
    if not count:
        st.info(_none_told(part, name, wanted))
        return []
    told = f"{count:,} prompts" if count > 1 else "1 prompt"
    with st.expander(told, expanded=not opened, key=f"list_{bool(opened)}"):
        rows, pages = st.container(), -(-count // _PAGE)
        page = 1
        if pages > 1:
            page = st.number_input(
                f"Page of {pages:,}", 1, pages, key="page", bind="query-params", width=200
            )
        if page > 1:
            found = ask(*asked, _PAGE * (page - 1))
        with rows:
            return _rows(found["rows"], name, opened)


def _none_told(part: Part, name: str, wanted: Wanted) -> str:
    """That no prompt is so, and how: filters stay chosen from page to page, and are forgotten."""
    low, high = (round(100 * end) for end in wanted.spread)
    told = [
        *(
            f"{what} {' or '.join(chosen)}"
            for what, chosen in (
                ("dataset", part.datasets), ("split", part.splits), ("category", part.categories)
            )
            if chosen
        ),
        f"best LLM {wanted.best_llm} by {name}" if wanted.best_llm else "",
        f"spread of scores within percentiles {low} to {high}" if (low, high) != (0, 100) else "",
        f"with the words “{wanted.find}”{' in it or an answer' if wanted.in_answers else ''}"
        if wanted.find
        else "",
    ]  # fmt: skip
    told = [plain(one) for one in told if one]
    if not told:
        return "The store holds no prompt yet: `workbench ingest` brings prompts in."
    return f"No prompt is so: {', '.join(told)}. Take one of these back, or choose others."


def _rows(rows: pa.Table, name: str, opened: str) -> list[str]:
    ids = rows["prompt_id"].to_pylist()
    scored = rows["gap"].null_count < len(ids)
    texts = [" ".join(seen(text).split()) for text in rows["prompt"].to_pylist()]
    best = [_few(names) for names in rows["best_llms"].to_pylist()]
    shown = rows.drop_columns(["prompt", "best_llms"])
    shown = shown.append_column("prompt", pa.array(texts, pa.string()))
    shown = shown.append_column("best_llms", pa.array(best, pa.string()))
    by = f"by {plain(name)}"
    key = f"rows {opened} {' '.join(ids)}"
    st.dataframe(
        shown, hide_index=True, key=key, on_select=lambda: _open(ids, key),
        selection_mode="single-row", placeholder="", height="content",
        selection_default={"selection": {"rows": [ids.index(opened)] if opened in ids else []}},
        column_order=["prompt", *(["best_llms", "best", "gap"] if scored else []), "category",
                      "split", "dataset", "prompt_id"],
        column_config={
            "prompt": st.column_config.TextColumn("prompt", width="large"),
            "best_llms": st.column_config.TextColumn("best LLM", help=by),
            "best": st.column_config.NumberColumn("best score", format="%.3f", help=by),
            "gap": st.column_config.NumberColumn(
                "gap", format="%.3f", help="best minus worst score"),
            "prompt_id": st.column_config.TextColumn("id", width="small"),
        },
    )  # fmt: skip
    st.caption("Tick a row to open it.")
    return ids


def _few(names: Sequence[str] | None, most: int = 2) -> str | None:
    if names is None:
        return None
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _open(ids: Sequence[str], key: str) -> None:
    rows = st.session_state[key].selection.rows
    st.session_state["prompt"] = ids[rows[0]] if rows else ""


def _steps(opened: str, ids: Sequence[str], chosen: tuple[Part, Scorer, Wanted]) -> None:
    """Steps from the opened prompt along the shown page of the list; tells where there is none."""
    place = ids.index(opened) if opened in ids else None
    before = ids[place - 1] if place else None
    after = ids[place + 1] if place is not None and place + 1 < len(ids) else None
    away = _away(opened, chosen) if place is None else ""
    if away == _NOT_CHOSEN and ask(one_prompt, opened)["prompt"].num_rows:
        st.info(away, icon=":material/info:")
    with st.container(horizontal=True):
        for label, icon, to, end in (
            ("Previous", ":material/chevron_left:", before, "the first"),
            ("Next", ":material/chevron_right:", after, "the last"),
            ("Close", ":material/close:", "", ""),
        ):
            why = (away or f"It is {end} on this page of the list.") if to is None else None
            st.button(label, icon=icon, disabled=to is None, key=f"step_{label}",
                      help=why, on_click=_go, args=(to or "",))  # fmt: skip


def _away(opened: str, chosen: tuple[Part, Scorer, Wanted]) -> str:
    """Why a prompt is not on the shown page of the list."""
    found = ask(place_found, *chosen, opened)["place"].to_pylist()
    if not found:
        return _NOT_CHOSEN
    page = 1 + (found[0] - 1) // _PAGE
    return f"This prompt is on page {page:,} of the list: turn to that page to step from it."


def _go(prompt: str) -> None:
    st.session_state["prompt"] = prompt
