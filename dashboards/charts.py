"""A chart or table with its meaning in a sentence, its numbers as CSV, and where they are from."""

import io
from collections.abc import Sequence
from typing import Any

import altair as alt
import pyarrow as pa
import pyarrow.csv
import streamlit as st

from dashboards.plain import plain
from dashboards.runs import link_to_run

LINES = "#8a8a8a"
"""Colour of lines and marks over bars, to be seen in light and dark."""
MANY = alt.Scale(scheme="tableau20")
"""Colours of more things than ten, such as LLMs."""


def show(
    title: str,
    told: str,
    numbers: pa.Table,
    chart: alt.Chart | alt.LayerChart | alt.FacetChart | None = None,
    runs: Sequence[str] = (),
    source: str = "",
    **rows: Any,
) -> None:
    """A heading, a sentence for newcomers, the chart (or else a table), and its numbers.

    Args:
        title: of the chart; tells the CSV's name too, and is unique on its page.
        told: what is to be seen, in a sentence; plain text.
        numbers: what is drawn; downloads as CSV, and can be looked at.
        chart: without one the numbers are shown as a table.
        runs: ids of the runs that these numbers come from.
        source: view or table of the store that was asked.
        rows: how a table is shown, as `st.dataframe` takes it: column_config, on_select, …
    """
    name = title.lower().replace(" ", "_")
    st.subheader(plain(title), anchor=name)
    st.caption(plain(told))
    if chart is None:
        st.dataframe(numbers, **({"hide_index": True} | rows))
    else:
        # Labels of the ends stay beside their marks; by default they are moved inwards.
        st.altair_chart(chart.configure_axis(labelFlush=False), key=f"chart_{name}")
    with st.container(horizontal=True):
        st.download_button(
            "CSV", csv(numbers), f"{name}.csv", "text/csv", key=f"csv_{name}", on_click="ignore",
            icon=":material/download:", help="The numbers of this chart",
        )  # fmt: skip
        with st.popover("Where from", icon=":material/account_tree:"):
            _origin(runs, source, numbers if chart is not None else None)


def csv(numbers: pa.Table) -> bytes:
    """A table as CSV; lists are joined by spaces."""
    out = io.BytesIO()
    pyarrow.csv.write_csv(numbers, out)
    return out.getvalue()


def _origin(runs: Sequence[str], source: str, numbers: pa.Table | None) -> None:
    if source:
        st.text(f"Asked of: {source}")
    for run in dict.fromkeys(runs):
        link_to_run(run)
    if not runs:
        st.text("Computed from the store as it is now; no run of its own.")
    if numbers is not None:
        st.dataframe(numbers, hide_index=True)
