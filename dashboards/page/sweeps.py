"""To come."""

import streamlit as st

from dashboards.queries.scored import Part


def show(part: Part) -> None:
    """To come."""
    st.text("to come")
