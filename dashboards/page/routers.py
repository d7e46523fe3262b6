"""Routers: whom they ask, how often rightly, and what that is worth."""

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.dots import dots, prompts_told
from dashboards.filters import one_chosen, scorer_chosen
from dashboards.intervals import around, wilson
from dashboards.naming import model_names
from dashboards.page import router_costs, router_entropy
from dashboards.page.not_of_test import show_not_of_test
from dashboards.queries.models import models
from dashboards.queries.routers import routing
from dashboards.queries.scored import Part
from dashboards.reading import ask

_SOURCE = "routes, qualities"


def show(part: Part) -> None:
    """Draws the page for the chosen prompts."""
    known = model_names(ask(models), "router")
    if not known:
        st.info(
            "No router has routed in this store yet: `workbench train --model ZOOTER … --data "
            "RouterData …` trains one, then `workbench route` has it look at the prompts."
        )
        return
    chosen = scorer_chosen(("measure",), "Measure", "measure")
    name = one_chosen("Router", "router", list(known))
    if chosen is None or name is None:
        return
    measure, router = chosen[1].scorer, known[name]
    found = ask(routing, part, router, measure)
    if not found["shares"].num_rows:
        st.info("No chosen prompt is both routed by this router and measured: choose others.")
        return
    show_not_of_test(found)
    left, right = st.columns([5, 6])
    with left:
        _shares(found, name, router, measure)
    with right:
        _confusion(found, router)
    _quality(found, name, router, measure)
    router_costs.show(part, measure, router, known)
    router_entropy.show(part, measure, name, router)
    _categories(found, name, router, measure)


def _shares(found: dict[str, pa.Table], name: str, router: str, measure: str) -> None:
    rows = []
    for row in found["shares"].to_pylist():
        for who, share in (("asked by the router", "routed"), ("best", "oracle")):
            one = {"llm": row["llm"], "which": who, "share": row[share], "prompts": row["prompts"]}
            rows.append(one)
    numbers = pa.Table.from_pylist(rows)
    low, high = wilson(numbers["share"].to_numpy(), numbers["prompts"].to_numpy())
    numbers = numbers.append_column("low", pa.array(low)).append_column("high", pa.array(high))
    order = found["shares"]["llm"].to_pylist()
    base = alt.Chart(numbers).encode(
        y=alt.Y("llm:N", sort=order, title=None, axis=alt.Axis(labelLimit=200)),
        yOffset="which:N",
        tooltip=["llm:N", "which:N", _percent("share"), _percent("low"), _percent("high")],
    )
    bars = base.mark_bar().encode(
        x=alt.X("share:Q", title="share of prompts", axis=alt.Axis(format="%")),
        color=alt.Color("which:N", title=None, legend=alt.Legend(orient="top")),
    )
    ends = base.mark_rule(strokeWidth=1.5, color=LINES).encode(x="low:Q", x2="high:Q")
    show_chart(
        "Routed and oracle share",
        f"How often {name} asks each LLM, and how often that LLM really is best by {measure}; ties "
        f"are split; {prompts_told(found['sizes'])}; lines: 95 % interval (Wilson).",
        numbers, (bars + ends).properties(height=alt.Step(12)), [router], _SOURCE,
    )  # fmt: skip


def _confusion(found: dict[str, pa.Table], router: str) -> None:
    numbers, order = found["confusion"], found["shares"]["llm"].to_pylist()
    base = alt.Chart(numbers).encode(
        x=alt.X(
            "best:N",
            sort=order,
            title="best LLM",
            axis=alt.Axis(labelAngle=-40, labelLimit=120, labelOverlap=False),
        ),
        y=alt.Y("routed:N", sort=order, title="LLM asked", axis=alt.Axis(labelLimit=160)),
    )
    tiles = base.mark_rect().encode(
        color=alt.Color("share:Q", title="share", legend=None)
        .scale(scheme="blues", domainMin=0),
        tooltip=["routed:N", "best:N", _percent("share"), alt.Tooltip("prompts:Q", format=",.1f")],
    )  # fmt: skip
    top = max(numbers["share"].to_pylist())
    text = base.mark_text(fontSize=10).encode(
        text=alt.Text("share:Q", format=".0%"),
        color=alt.condition(f"datum.share > {0.5 * top:g}", alt.value("white"), alt.value("black")),
    )
    show_chart(
        "Who is asked and who is best",
        "Each row is the prompts that go to one LLM: on which share of them each LLM is the best. "
        "Rows whose own column is darkest are routed well.",
        numbers, (tiles + text).properties(height=alt.Step(26)), [router], _SOURCE,
    )  # fmt: skip


def _quality(found: dict[str, pa.Table], name: str, router: str, measure: str) -> None:
    (gain,) = around(found["gain"], "gain").to_pylist()
    single = found["best_single"]["llm"].to_pylist()
    called = {
        "router": f"Router {name}",
        "oracle": "Oracle: the best answer",
        "random": "Random: any answer",
        "best_single": f"BestSingle: {single[0] if single else ''}",
    }
    numbers = around(found["quality"], "quality")
    names = [called[system] for system in numbers["system"].to_pylist()]
    numbers = numbers.add_column(0, "choice", pa.array(names))
    told = f"Mean {measure} of what each choice gets, on the same {prompts_told(found['sizes'])}. "
    if gain["gain"] is not None:
        within = f" [{gain['low']:+.3f}, {gain['high']:+.3f}]" if gain["low"] is not None else ""
        told += f"The router is {gain['gain']:+.3f}{within} beside BestSingle, the LLM with the "
        told += "highest mean on the validation split. "
    else:
        told += "No BestSingle: it is chosen on validation, and no prompt there is measured so. "
    if gain["hit"] is not None:
        told += (
            f"It asks a best LLM on {gain['hit']:.1%} of {gain['differing']:,} prompts on which "
        )
        told += "answers differ."
    show_chart(
        "Quality of choices", told, numbers,
        dots(numbers, "choice", "quality", f"mean {measure}", names, label_limit=320)
        .properties(height=alt.Step(28)), [router], _SOURCE,
    )  # fmt: skip


def _categories(found: dict[str, pa.Table], name: str, router: str, measure: str) -> None:
    numbers = around(found["categories"], "gain")
    if numbers.num_rows < 2:
        return
    order = [category or "(none)" for category in numbers["category"].to_pylist()]
    place = numbers.schema.get_field_index("category")
    numbers = numbers.set_column(place, "category", pa.array(order, pa.string()))
    nothing = alt.Chart(pa.table({"gain": [0.0]})).mark_rule(strokeDash=[5, 4], color=LINES)
    chart = dots(numbers, "category", "gain", f"{measure}, router minus BestSingle", order, "+.3f")
    show_chart(
        "Router against BestSingle by category",
        f"Where {name} is worth it: right of the dashed line it is better than asking "
        f"{found['best_single']['llm'][0].as_py()} always, which was chosen on validation.",
        numbers, (nothing.encode(x="gain:Q") + chart)
        .properties(height=alt.Step(24)), [router], _SOURCE,
    )  # fmt: skip


def _percent(field: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", format=".1%")
