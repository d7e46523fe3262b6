"""The part of Sweeps that says what a study has found, and what this is worth elsewhere."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboards.page.trials import show_one
from dashboards.plain import plain
from dashboards.queries.beside_trials import looked, priced
from dashboards.queries.trials_asked import Asked
from dashboards.reading import ask
from dashboards.studies import Study
from dashboards.systems import CHAINED, kind_of

QUALITIES = ("quality", "mean", "best", "accuracy")
"""Figures of which more is better; of all others, which are costs, less is: for figures that are no
objectives, and studies that are in the store alone."""


def show_found(
    best: dict[str, Any], counts: Mapping[str, Any], asked: Asked, told: Study
) -> None:  # fmt: skip
    """The best trial, where it was searched, and what stands on test.

    Args:
        best: the trial, as a row of `queries.sweeps.history`.
        counts: trials and equal, as there.
        asked: by which figure it is the best.
        told: what else is known of the study.
    """
    show_one(best, counts["equal"], told)
    measure, split = told.text("measure"), told.text("split")
    where = f"Quality is {measure} on {split}, where the study searched. " if measure else ""
    if asked.figure in QUALITIES:
        where += (
            f"The highest of {counts['trials']:,} trials flatters itself: it was chosen on the "
            "prompts that it is told of. "
        )
        system = told.systems.get(best["trial"], "")
        page = f"./?kinds={CHAINED}" if kind_of(system) == CHAINED else "./"
        found = plain(where + _elsewhere(system, asked, told))
        st.caption(f"{found} [Overview's leaderboard]({page}) has all that was looked at on test.")
    elif where:
        st.caption(plain(where))
    _free(asked)


def _elsewhere(system: str, asked: Asked, told: Study) -> str:
    """What the best trial's system is worth on prompts that no trial has seen."""
    measure, split = told.text("measure"), told.text("split")
    figure = "quality"
    if asked.figure != figure and asked.figure != told.text("objective"):
        return ""
    if (asked.top_k or 1) > 1:
        figure = f"top{asked.top_k}_{told.text('objective')}"
    rows = ask(looked, system, figure, measure, split).to_pylist() if system and measure else []
    if not rows:
        return ""
    row = rows[0]
    return (
        f"On {row['split']} the same settings have {row['value']:.3f} [{row['low']:.3f}, "
        f"{row['high']:.3f}], {row['prompts']:,} prompts."
    )


def _free(asked: Asked) -> None:
    """Says so where what is not an LLM call was told to cost nothing."""
    [most] = ask(priced, asked.study).to_pylist()
    free = [name for name in ("comparisons", "fusions") if most[name] == 0]
    if free:
        many = " and ".join(free)
        options = " and ".join(f"--{name[:-1]}_cost" for name in free)
        st.caption(
            plain(
                f"{many.capitalize()} cost nothing in this study (chain {options}), so that more "
                "of them look free: cost is that of the rest alone."
            )
        )
