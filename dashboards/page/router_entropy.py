"""Entropy analysis: is a router right where it is sure, and is a reward?"""

from collections.abc import Collection

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.dots import prompts_told
from dashboards.intervals import around, wilson
from dashboards.naming import model_names, ranking_name
from dashboards.queries.evaluated import figures
from dashboards.queries.models import models
from dashboards.queries.router_entropy import entropy
from dashboards.queries.scored import Part
from dashboards.reading import ask
from workbench.stages.system_names import is_ranking

_AXIS = "entropy of the utilities, in bits"
_TICKS = alt.Axis(tickCount=6)
_SYSTEMS = {"router": "router", "best_single": "BestSingle", "oracle": "Oracle"}


def show(part: Part, measure: str, name: str, router: str) -> None:
    """Draws quality by the entropy of a router's utilities, and by that of rewards."""
    found = ask(entropy, part, router, measure)
    bins = around(found["bins"], "regret")
    if bins.num_rows < 2:
        st.info(
            "No entropy analysis: that takes prompts with two measured LLMs that the router knows, "
            "on which its utilities are not equally spread."
        )
    else:
        seen = prompts_told(found["sizes"])
        left, right = st.columns(2)
        with left:
            _quality(bins, name, router, measure, seen)
        with right:
            _right(bins, name, router)
        _regret(bins, router, measure)
    _rewards(ask(figures, part, measure, r"(reward_entropy|preferred_quality)@\d+"), measure)


def _quality(bins: pa.Table, name: str, router: str, measure: str, seen: str) -> None:
    rows = [
        {"entropy": row["entropy"], "choice": called, "quality": row[system],
         "prompts": row["prompts"]}
        for row in bins.to_pylist()
        for system, called in _SYSTEMS.items()
        if row[system] is not None
    ]  # fmt: skip
    numbers = pa.Table.from_pylist(rows)
    chart = alt.Chart(numbers).mark_line(point=True).encode(
        x=alt.X("entropy:Q", title=_AXIS, axis=_TICKS, scale=alt.Scale(zero=False)),
        y=alt.Y("quality:Q", title="mean quality", scale=alt.Scale(zero=False)),
        color=alt.Color("choice:N", title=None, sort=list(_SYSTEMS.values()),
                        legend=alt.Legend(orient="top")),
        tooltip=["choice:N", alt.Tooltip("entropy:Q", format=".2f"),
                 alt.Tooltip("quality:Q", format=".3f"), alt.Tooltip("prompts:Q", format=",")],
    )  # fmt: skip
    show_chart(
        "Quality by entropy",
        f"Mean {measure} of prompts in groups of the same size, from those on which {name} clearly "
        f"prefers one LLM (low entropy) to those on which all are alike to it; {seen}. "
        "Utilities that are no chances become some by a softmax at their standard deviation.",
        numbers, chart.properties(height=260), [router], "routes, qualities",
    )  # fmt: skip


def _right(bins: pa.Table, name: str, router: str) -> None:
    rows = [row for row in bins.to_pylist() if row["hit"] is not None]
    if not rows:
        return
    hit, n = (np.array([row[key] for row in rows], float) for key in ("hit", "differing"))
    low, high = wilson(hit, n)
    columns = {"entropy": [row["entropy"] for row in rows], "share": hit, "low": low, "high": high}
    numbers = pa.table(columns | {"prompts": n.astype(int)})
    show_chart(
        "Routed right by entropy",
        f"Share of prompts on which {name} asks a best LLM, of those whose answers differ: it "
        "falls with the entropy where the router knows what it does not know.",
        numbers, _band(numbers, "share", "asked a best LLM", ".0%").properties(height=260),
        [router], "routes, qualities",
    )  # fmt: skip


def _regret(bins: pa.Table, router: str, measure: str) -> None:
    names = ["bin", "entropy", "lowest", "highest", "prompts", "regret", "low", "high"]
    numbers = bins.select(names)
    show_chart(
        "Regret by entropy",
        f"How much {measure} is lost beside the best answer. Where the line rises to the right by "
        "more than its intervals, prompts of high entropy are those to send to more than one LLM; "
        "where it is flat, entropy does not tell which these are.",
        numbers, _band(numbers, "regret", "Oracle minus router", ".3f").properties(height=220),
        [router], "routes, qualities",
    )  # fmt: skip


def _band(numbers: pa.Table, value: str, title: str, shown: str) -> alt.LayerChart:
    base = alt.Chart(numbers).encode(
        x=alt.X("entropy:Q", title=_AXIS, axis=_TICKS, scale=alt.Scale(zero=False)),
        tooltip=[alt.Tooltip("entropy:Q", format=".2f"), alt.Tooltip(f"{value}:Q", format=shown),
                 alt.Tooltip("low:Q", format=shown), alt.Tooltip("high:Q", format=shown),
                 alt.Tooltip("prompts:Q", format=",")],
    )  # fmt: skip
    y = alt.Y(f"{value}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format=shown))
    ends = base.mark_rule(strokeWidth=2, color=LINES).encode(y=alt.Y("low:Q"), y2="high:Q")
    return ends + base.mark_line(point=True).encode(y=y)


def _rewards(found: pa.Table, measure: str) -> None:
    """Figures `reward_entropy@k` and `preferred_quality@k` of evaluations, a bin a dot."""
    names = _names({row["system"] for row in found.to_pylist()})
    bins = dict[tuple[str, ...], dict[str, object]]()
    for row in found.to_pylist():
        figure, _, number = row["figure"].partition("@")
        of = ", ".join((row["dataset"], row["split"]))
        one = bins.setdefault((of, row["system"], row["slice"], number), {})
        one |= {"of": of, "reward": names[row["system"]], "run_id": row["run_id"]}
        if figure == "reward_entropy":
            one["entropy"] = row["value"]
        else:
            one |= {key: row[key] for key in ("low", "high")}
            one |= {"quality": row["value"], "prompts": row["n"]}
    rows = [one for one in bins.values() if "entropy" in one and "quality" in one]
    if not rows:
        return
    numbers = pa.Table.from_pylist(rows)
    base = alt.Chart(numbers).encode(
        x=alt.X("entropy:Q", title="entropy of the reward, in bits", axis=_TICKS,
                scale=alt.Scale(zero=False)),
        color=alt.Color(
            "reward:N", title="reward", legend=alt.Legend(labelLimit=400, orient="bottom")
        ),
        tooltip=["reward:N", "of:N", alt.Tooltip("entropy:Q", format=".2f"),
                 alt.Tooltip("quality:Q", format=".3f"), "prompts:Q", "run_id:N"],
    )  # fmt: skip
    y = alt.Y("quality:Q", title="mean quality", scale=alt.Scale(zero=False))
    several = len({row["of"] for row in rows}) > 1
    legend = alt.Legend(labelLimit=300) if several else None
    dashes = alt.StrokeDash("of:N", title="of", legend=legend)
    chart = base.mark_line(point=True).encode(y=y, strokeDash=dashes)
    show_chart(
        "Reward entropy as evaluated",
        f"Mean {measure} of the LLM that a reward prefers, by how clearly it prefers it (ZOOTER, "
        "Figure 3): a reward to train a router by should be good where it is sure.",
        numbers, chart.properties(height=280), numbers["run_id"].to_pylist(), "figures",
    )  # fmt: skip


def _names(systems: Collection[str]) -> dict[str, str]:
    """System -> the reward it stands for: `rougeL@1` of `quality[rougeL@1]`, or a ranking."""
    known = model_names(ask(models), "ranker")
    names = dict[str, str]()
    for system in sorted(systems):
        ranker, _, scheme = system.partition("/")
        if is_ranking(system):
            names[system] = ranking_name(ranker, scheme, known)
        else:
            names[system] = system.removeprefix("quality[").removesuffix("]")
    return names
