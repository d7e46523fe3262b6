"""The part of Overview that tells what each system is worth: LLMs, rankers, fusions and chains."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.filters import one_chosen
from dashboards.plain import plain
from dashboards.queries.beside_trials import chain_costs
from dashboards.queries.overview import evaluated, labels, leaderboard
from dashboards.queries.scored import Part
from dashboards.reading import ask
from dashboards.systems import CHAINED, RANKER, SYSTEM_KINDS, kind_of, system_names
from workbench.stages.system_names import BEST_SINGLE, ORACLE

_COLOURS = dict(
    zip(
        SYSTEM_KINDS,
        ["#4c9be8", "#9d9d9d", "#f28e2b", "#3aa76d", "#b07aa1", "#e15759"],
        strict=True,
    )
)
_MOST = 3000  # systems that are asked for
_PER_KIND = (8, 3, 20, 50, 200)
_SHOWN = ("name", "kind", "quality", "low", "high", "vs_best_single", "vs_low", "vs_high",
          "prompts", "run_id", "system")  # fmt: skip


def show(part: Part, any_results: bool) -> None:
    """Draws the leaderboard of what the sidebar chooses."""
    cells = _cells(part) if any_results else []
    if not cells:
        st.info(
            "Systems are not evaluated yet on what is chosen: run workbench evaluate, which "
            "compares LLMs, rankers, fusions and routes."
        )
        return
    cell = _cell_chosen(cells)
    slice = f"category={part.categories[0]}" if len(part.categories) == 1 else "all"
    found = ask(leaderboard, cell["measure"], cell["dataset"], cell["split"], slice, _MOST)
    if not found.num_rows:
        st.info(
            "No system is evaluated on this category alone: categories with few prompts are not "
            "(workbench evaluate --min_category)."
        )
        return
    rows = _named(found.to_pylist())
    kinds, most = _choice(rows)
    where = f"{cell['dataset']}, {cell['split']}"
    if slice != "all":
        where += f", {slice}"
    elif part.categories:
        where += ", all categories (results are known of all or of one, not of several)"
    _draw(rows, _best(rows, kinds, most), cell["measure"], where)


def _cells(part: Part) -> list[dict[str, Any]]:
    """The tables of results that the prompts' filters leave; several datasets in one count too."""
    return [
        cell
        for cell in ask(evaluated).to_pylist()
        if (not part.splits or cell["split"] in part.splits)
        and (not part.datasets or set(cell["dataset"].split("+")) <= set(part.datasets))
    ]


def _cell_chosen(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    measures = list(dict.fromkeys(cell["measure"] for cell in cells))
    measure = one_chosen("Measure", "measure", measures)
    # What most systems were evaluated on comes first, and test before the other splits.
    own = sorted(
        (cell for cell in cells if cell["measure"] == measure),
        key=lambda cell: (cell["split"] != "test", -cell["systems"], cell["dataset"]),
    )
    names = {f"{cell['dataset']}, {cell['split']}": cell for cell in own}
    chosen: str = st.sidebar.selectbox(
        "Leaderboard of", list(names), key="results", bind="query-params",
        help="Systems are evaluated on one split at a time: Split above tells which of these are "
        "listed. One Category gives the leaderboard of its prompts alone, where it was evaluated.",
    )  # fmt: skip
    return names[chosen]


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = ask(labels)
    called = dict(zip(known["id"].to_pylist(), known["label"].to_pylist(), strict=True))
    names = system_names([row["system"] for row in rows], called)
    return [{**row, "name": names[row["system"]], "kind": kind_of(row["system"])} for row in rows]


def _choice(rows: Sequence[dict[str, Any]]) -> tuple[list[str], int]:
    """Kinds of systems, none for all, and how many of each are drawn."""
    count = Counter(row["kind"] for row in rows)
    known = [kind for kind in SYSTEM_KINDS if count[kind]]
    kinds = st.sidebar.multiselect(
        "Kinds of systems", known, key="kinds", bind="query-params", placeholder="all"
    )
    if max(count.values()) <= min(_PER_KIND):
        return kinds, max(_PER_KIND)
    most = st.sidebar.selectbox(
        "Best of each kind", _PER_KIND, key="most", bind="query-params",
        help="How many systems of each kind are drawn; the CSV holds all.",
    )  # fmt: skip
    return kinds, most


def _best(rows: Sequence[dict[str, Any]], kinds: Sequence[str], most: int) -> list[dict[str, Any]]:
    """The `most` best rows of each of the kinds, in their order."""
    seen = Counter[str]()
    kept = []
    for row in rows:
        seen[row["kind"]] += 1
        if (not kinds or row["kind"] in kinds) and seen[row["kind"]] <= most:
            kept.append(row)
    return kept


def _draw(
    rows: Sequence[dict[str, Any]], drawn: Sequence[dict[str, Any]], measure: str, where: str
) -> None:
    everything = pa.Table.from_pylist([{name: row[name] for name in _SHOWN} for row in rows])
    left_out = f"{len(drawn)} of {len(rows)} systems are drawn. " if len(drawn) < len(rows) else ""
    told = (
        f"Mean quality of each system's answers by {measure} on {where}; lines: 95 % interval "
        f"(bootstrap over prompts). {_BESIDE}{_names_told(drawn)}{left_out}{_sizes(rows)}"
    )
    runs = list(dict.fromkeys(row["run_id"] for row in rows))
    show_chart("Leaderboard", told, everything, _chart(rows, drawn, measure), runs, "figures")
    with st.expander(plain(f"All {len(rows)} systems as a table, with their difference to "
                           "BestSingle")):  # fmt: skip
        st.dataframe(everything, hide_index=True, column_config=_TABLE)


_LEGEND = alt.Legend(orient="bottom", columns=3)  # beside long names there is little room

_BESIDE = (
    "BestSingle always asks the LLM that is best on validation; Oracle knows the best answer of "
    "each prompt, and is the most that choosing can reach. "
)
_ORDERS = "A ranking that names no order has compared both orders of each pair. "
_MONEY = {"usd": "US dollars", "parameters": "billion parameters"}


def _names_told(drawn: Sequence[dict[str, Any]]) -> str:
    """What the names of rankings and chains leave to be guessed."""
    told = _ORDERS if any(row["kind"] in (RANKER, CHAINED) for row in drawn) else ""
    if any(row["kind"] == CHAINED and "λ=" in row["name"] for row in drawn):
        units = [_MONEY.get(unit, unit) for unit in ask(chain_costs)["unit"].to_pylist()]
        told += (
            "m: LLMs that a chain asks; λ: that of cost_aware(lambda=…), times the mean cost of "
            f"one answer ({' or '.join(units) or 'in the unit of its study'}) it is taken off an "
            "LLM's utility. Sweeps tells the trial of each chain. "
        )
    return told


def _sizes(rows: Sequence[dict[str, Any]]) -> str:
    sizes = sorted({row["prompts"] for row in rows if row["prompts"]})
    if len(sizes) < 2:
        return f"{sizes[0]:,} prompts." if sizes else ""
    return (
        f"Not all on the same prompts: {sizes[0]:,} to {sizes[-1]:,}; compare where these agree "
        "(see the table)."
    )


def _chart(
    rows: Sequence[dict[str, Any]], drawn: Sequence[dict[str, Any]], measure: str
) -> alt.LayerChart | alt.FacetChart:
    points = pa.Table.from_pylist([{name: row[name] for name in _SHOWN} for row in drawn])
    order = [row["name"] for row in drawn]
    kinds = [kind for kind in SYSTEM_KINDS if any(row["kind"] == kind for row in drawn)]
    colours = alt.Scale(domain=kinds, range=[_COLOURS[kind] for kind in kinds])
    base = alt.Chart(points).encode(
        y=alt.Y("name:N", sort=order, title=None, axis=_NAMES),
        color=alt.Color("kind:N", scale=colours, title=None, legend=_LEGEND),
        tooltip=["name:N", "kind:N", *(alt.Tooltip(f"{name}:Q", format=".4f") for name in
                 ("quality", "low", "high", "vs_best_single")), "prompts:Q"],
    )  # fmt: skip
    x = alt.X("quality:Q", title=measure, scale=alt.Scale(zero=False))
    layers = [base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=measure), x2="high:Q"),
              base.mark_point(filled=True, size=60, opacity=1).encode(x=x)]  # fmt: skip
    beside = [row for row in rows if row["system"] in (BEST_SINGLE, ORACLE)]
    if beside:
        marks = alt.Chart(pa.Table.from_pylist(beside).select(["name", "quality"]))
        layers.insert(0, marks.mark_rule(strokeDash=[4, 4], color=LINES).encode(
            x="quality:Q", tooltip=["name:N", alt.Tooltip("quality:Q", format=".4f")]
        ))  # fmt: skip
    return alt.layer(*layers).properties(height=alt.Step(19))


# Dots keep half of a window of 1,100 pixels; the tooltip has the whole name.
_NAMES = alt.Axis(labelLimit=300, labelOverlap=False, labelBound=False)
_TABLE = {
    "name": st.column_config.TextColumn("system", width="large"),
    "system": st.column_config.TextColumn("name in the store", width="small"),
    "vs_best_single": st.column_config.NumberColumn("minus BestSingle", format="%+.4f"),
    "vs_low": st.column_config.NumberColumn("its low", format="%+.4f"),
    "vs_high": st.column_config.NumberColumn("its high", format="%+.4f"),
    "run_id": st.column_config.TextColumn("run", width="small"),
} | {
    name: st.column_config.NumberColumn(name, format="%.4f") for name in ("quality", "low", "high")
}
