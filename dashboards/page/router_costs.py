"""What quality a cost buys: routers beside single LLMs, and the hull over them."""

from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.dots import prompts_told
from dashboards.filters import one_chosen
from dashboards.queries.evaluated import evaluated_routes
from dashboards.queries.router_costs import cost_quality, cost_units
from dashboards.queries.scored import Part
from dashboards.reading import ask
from workbench.evaluation.cost_quality import hull
from workbench.stages.rankers import short
from workbench.stages.route_names import ROUTE
from workbench.stages.system_names import llm_system

_UNITS = {
    "usd": "US dollars per 1,000 prompts",
    "tokens": "tokens of the answer",
    "parameters": "billion parameters",
}
_TIMES = {"usd": 1000.0}
_LLM, _ROUTER, _HULL, _ZERO = "single LLM", "router", "best of all", "best of single LLMs"


def show(part: Part, measure: str, router: str, known: dict[str, str]) -> None:
    """Draws cost against quality for the prompts that a router has routed."""
    units = ask(cost_units)["unit"].to_pylist()
    names = {_UNITS[unit]: unit for unit in units}
    chosen = one_chosen("Cost in", "cost", list(names))
    if chosen is None:
        st.info(
            "No cost is known: neither tokens nor prices nor sizes of LLMs. `workbench price` "
            "takes a table of prices."
        )
    else:
        found = ask(cost_quality, part, router, measure, names[chosen])
        _front(found, measure, names[chosen], router, known)
    _evaluated(ask(evaluated_routes, part, measure), measure, known)


def _front(
    found: dict[str, pa.Table], measure: str, unit: str, router: str, known: dict[str, str]
) -> None:
    called = {given: name for name, given in known.items()}
    whole = next(row["prompts"] for row in found["points"].to_pylist() if row["id"] == router)
    rows, left_out = [], list[str]()
    for row in found["points"].to_pylist():
        own = row["kind"] == "router"
        name = called.get(row["id"], short(row["id"])) if own else row["id"]
        if row["prompts"] < whole or row["cost_known"] < row["prompts"]:
            left_out.append(name)
        else:
            kind = _ROUTER if own else _LLM
            cost = row["cost"] * _TIMES.get(unit, 1)
            rows.append({**row, "kind": kind, "name": name, "cost": cost})
    if not rows:
        st.info("No LLM that answers all of these prompts has a known cost in this unit.")
        return
    told = (
        f"What a mean {measure} costs: up and to the left is better. Each router asks the LLM of "
        "its highest utility; between two dots of a line any cost can be had by a coin. "
        "Solid: what is best at each cost, dashed: of single LLMs alone. "
        f"{prompts_told(found['sizes'])}."
    )
    if left_out:
        told += f" Left out, their cost or answer is not known for all: {', '.join(left_out)}."
    numbers = pa.Table.from_pylist([*rows, *_hulls(rows)])
    runs = [row["id"] for row in rows if row["kind"] == _ROUTER]
    chart = _drawn(numbers, f"mean cost, {_UNITS[unit]}")
    show_chart(
        "Cost against quality", told, numbers, chart.properties(height=380), runs,
        "routes, qualities, candidates, llms",
    )  # fmt: skip


def _evaluated(found: pa.Table, measure: str, known: dict[str, str]) -> None:
    groups = dict[str, list[dict[str, Any]]]()
    called = {given: name for name, given in known.items()}
    unknown = set[str]()
    for row in found.to_pylist():
        part = row["slice"].removeprefix("category=") if row["slice"] != "all" else ""
        unit = _UNITS.get(row["unit"], row["unit"] or "")
        of = ", ".join(filter(None, [row["dataset"], row["split"], part, unit]))
        name = _route_name(row["system"], called)
        if row["cost"] is None or (row["cost_known"] or 0) < 1 or row["quality"] is None:
            unknown.add(name)
            continue
        kind = _ROUTER if row["system"].startswith(ROUTE) else _LLM
        cost = row["cost"] * _TIMES.get(row["unit"], 1)
        own = {**row, "kind": kind, "name": name, "of": of, "cost": cost}
        groups.setdefault(of, []).append(own)
    if not groups:
        return
    every = [line for rows in groups.values() for line in [*rows, *_hulls(rows)]]
    numbers = pa.Table.from_pylist(every)
    told = (
        f"The same by {measure} of routers with their policies (what is done with "
        "utilities, such as a lower price for a lower quality), "
        "as evaluations have found it, one chart for each of them."
    )
    if unknown:
        told += f" Left out, their cost is not known on all prompts: {', '.join(sorted(unknown))}."
    if len(groups) == 1:
        told += f" Of {next(iter(groups))}."
        chart: Any = _drawn(numbers, "mean cost").properties(height=320)
    else:
        chart = _drawn(numbers, "mean cost", labels=False)
        chart = chart.properties(width=360, height=280).facet(
            facet=alt.Facet("of:N", title=None, header=alt.Header(labelLimit=360)), columns=2
        ).resolve_scale(x="independent", y="independent")  # fmt: skip
    runs = [row["run_id"] for rows in groups.values() for row in rows]
    show_chart(
        "Cost against quality of policies as evaluated", told, numbers, chart, runs, "figures"
    )


def _route_name(system: str, called: dict[str, str]) -> str:
    """`ZOOTER: argmax`, or an LLM's name."""
    if not system.startswith(ROUTE):
        return system.removeprefix(llm_system(""))
    for router, name in called.items():
        if system.startswith(f"{ROUTE}{router}/"):
            return f"{name}: {system.removeprefix(f'{ROUTE}{router}/')}"
    return system.removeprefix(ROUTE)


def _hulls(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Corners of the hull over all points, and of that over the single LLMs."""
    lines = []
    for line, own in ((_HULL, rows), (_ZERO, [row for row in rows if row["kind"] == _LLM])):
        if own:
            found = hull(*(np.array([row[c] for row in own], float) for c in ("cost", "quality")))
            corners = [own[place] for place in found.points]
            lines += [{**corner, "kind": line} for corner in corners]
    return lines


def _drawn(numbers: pa.Table, cost: str, labels: bool = True) -> alt.LayerChart:
    """Dots of systems and lines of hulls, all from one table: what is faceted has to be."""
    base = alt.Chart(numbers).encode(
        x=alt.X("cost:Q", title=cost, axis=alt.Axis(tickCount=5)),
        y=alt.Y("quality:Q", title="mean quality", scale=alt.Scale(zero=False)),
    )
    kinds = alt.Color("kind:N", title=None, legend=alt.Legend(orient="top"), sort=[_ROUTER, _LLM])
    points = base.transform_filter(
        alt.FieldOneOfPredicate(field="kind", oneOf=[_ROUTER, _LLM])
    ).mark_point(filled=True, size=100, opacity=1).encode(
        color=kinds, shape=alt.Shape("kind:N", title=None, sort=[_ROUTER, _LLM], legend=None),
        tooltip=["name:N", "kind:N", alt.Tooltip("quality:Q", format=".3f"),
                 alt.Tooltip("cost:Q", format=".3g"), alt.Tooltip("prompts:Q", format=",")],
    )  # fmt: skip
    lines = [
        base.transform_filter(alt.FieldEqualPredicate(field="kind", equal=kind))
        .mark_line(color=LINES, strokeDash=dash)
        .encode(order="cost:Q")
        for kind, dash in ((_HULL, [1, 0]), (_ZERO, [4, 4]))
    ]
    layers = [*lines, points]
    if labels:
        corners = base.transform_filter(alt.FieldEqualPredicate(field="kind", equal=_HULL))
        text = corners.mark_text(align="left", dx=8, dy=10, fontSize=11, color=LINES)
        layers.append(text.encode(text="name:N"))
    return alt.LayerChart(layer=layers)
