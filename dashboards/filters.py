"""What the sidebar asks: which prompts, and by whose judgement; all of it kept in the URL."""

from collections.abc import Sequence

import streamlit as st

from dashboards.naming import scorer_names
from dashboards.queries.scored import KINDS, Part, Scorer, parts, scorers
from dashboards.reading import ask

_MADE_BY = {
    "measure": "Measures: workbench measure, against references, or workbench judge and then "
    "workbench measure --judge, or qualities that are ingested with the answers",
    "ranker": "Rankers: workbench train, compare and aggregate",
    "router": "Routers: workbench train and route",
}


def part_chosen() -> Part:
    """Datasets, splits and categories chosen in the sidebar; nothing chosen takes all."""
    known = ask(parts)
    chosen = [
        _several(label, key, known[key].unique().to_pylist())
        for label, key in (("Dataset", "dataset"), ("Split", "split"), ("Category", "category"))
    ]
    return Part(*chosen)


def _several(label: str, key: str, known: Sequence[str]) -> tuple[str, ...]:
    known = sorted(filter(None, known))
    if len(known) < 2:
        return ()
    return tuple(
        st.sidebar.multiselect(label, known, key=key, bind="query-params", placeholder="all")
    )


def scorer_chosen(
    kinds: Sequence[str] = KINDS, label: str = "Best by", key: str = "by"
) -> tuple[str, Scorer] | None:
    """Name and key of who says what is best; None, told to the reader, where nobody has."""
    known = {name: one for name, one in scorer_names(ask(scorers)).items() if one.kind in kinds}
    if not known:
        ways = "; ".join(_MADE_BY[kind] for kind in kinds)
        st.info(f"Nothing in the store yet says how good an answer is. {ways}.")
        return None
    name = st.sidebar.selectbox(label, list(known), key=key, bind="query-params")
    if known[name].kind == "router":
        st.info("A router has seen the prompts alone: what is best here is what it expects.")
    return name, known[name]


def one_chosen(label: str, key: str, known: Sequence[str], index: int = 0) -> str | None:
    """One of several names, chosen in the sidebar and kept in the URL; None where there is none."""
    if not known:
        return None
    return st.sidebar.selectbox(label, list(known), index=index, key=key, bind="query-params")
