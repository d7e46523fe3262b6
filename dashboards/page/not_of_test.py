"""Whether a figure was made on prompts that models or their settings were chosen on."""

from collections.abc import Mapping

import pyarrow as pa
import streamlit as st


def show_not_of_test(found: Mapping[str, pa.Table]) -> None:
    """Tells how many of the prompts are not of the split test, where there are any.

    Args:
        found: tables `seen` (how many are not) and `sizes` (prompts looked at) of a query.
    """
    seen = found["seen"]["seen"][0].as_py()
    if seen:
        of = found["sizes"]["prompts"][0].as_py()
        st.info(
            f"{seen:,} of these {of:,} prompts are not of the split test: models learn from "
            "training prompts, and on validation checkpoints, settings and BestSingle are chosen. "
            "For a fair look choose test in the sidebar.",
            icon=":material/info:",
        )
