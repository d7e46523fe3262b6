"""The dashboard: `workbench dashboard --store FILE` runs this script with Streamlit."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from dashboards.faults import told_as_page
from dashboards.filters import part_chosen
from dashboards.page import (
    best_llm,
    head_to_head,
    overview,
    prompts,
    rankers,
    routers,
    sweeps,
)
from dashboards.plain import plain
from dashboards.queries.scored import Part
from dashboards.reading import store_path

PAGES: dict[str, tuple[str, Callable[[Part], None]]] = {
    "overview": ("Overview", overview.show),
    "best_llm": ("Best LLM", best_llm.show),
    "head_to_head": ("Head to head", head_to_head.show),
    "prompts": ("Prompts", prompts.show),
    "rankers": ("Rankers and schemes", rankers.show),
    "routers": ("Routers", routers.show),
    "sweeps": ("Sweeps", sweeps.show),
}
"""Path in the URL -> title and what draws the page for the prompts that were chosen."""
FIRST = "overview"


def draw(path: str) -> None:
    """One page with its filters, or the page of what is wrong with the store."""
    title, show = PAGES[path]
    with told_as_page():
        st.title(title)
        st.sidebar.caption(f"Store: {plain(store_path().name)}")
        show(part_chosen())


def main() -> None:
    """All pages behind one navigation."""
    # Pages have no icons of their own: a browser would fetch these from elsewhere.
    pages = [
        st.Page(partial(draw, path), title=title, url_path=path, default=path == FIRST)
        for path, (title, _) in PAGES.items()
    ]
    chosen = st.navigation(pages)
    icon = Path(__file__).with_name("icon.svg")
    st.set_page_config(f"{chosen.title} – LLM ensembling", str(icon), layout="wide")
    chosen.run()


if __name__ == "__main__":
    main()
