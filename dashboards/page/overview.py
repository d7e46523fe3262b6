"""Overview: what the store holds, what systems are worth, and which runs have made it."""

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import show as show_chart
from dashboards.page import latest_runs, leaderboard
from dashboards.plain import plain
from dashboards.queries.overview import coverage, pool, sizes
from dashboards.queries.scored import Part
from dashboards.reading import ask, store_path

_COUNTS = ("prompts", "llms", "candidates", "comparisons", "fusions", "routes", "trials")
_COLUMNS = {
    "llm": "LLM",
    "candidates": "candidates",
    "decodings": "ways of decoding",
    "parameters_b": "billion parameters",
    "usd_per_mtok_in": "USD / M tokens in",
    "usd_per_mtok_out": "USD / M tokens out",
    "characters": "mean characters",
    "tokens": "mean tokens",
}


def show(part: Part) -> None:
    """Draws the page for the chosen prompts."""
    held = ask(sizes).to_pylist()[0]
    # Whoever follows a link to a run is shown it first; the order then stays for the visit.
    first = st.session_state.setdefault("came_for_run", latest_runs.RUN in st.query_params)
    if first:
        latest_runs.show()
    if not held["prompts"] and not held["candidates"]:
        _welcome()
    else:
        _counts(held)
        leaderboard.show(part, bool(held["results"]))
        _pool(part)
        _coverage(part, bool(held["qualities"]))
    if not first:
        latest_runs.show()


def _welcome() -> None:
    store = plain(store_path().name)
    st.subheader("Welcome: this store is still empty")
    st.markdown(
        "This is where you will see which of your LLMs is best at what. Fill the store, then "
        "reload this page; it may stay open while experiments write.\n\n"
        "- **Look at everything first**: `make dashboard` runs the demo on simulated LLMs, some "
        "minutes, and opens these pages on it.\n"
        f"- **Your own answers** into {store}, from a file of JSON lines:"
    )
    name = store_path().name
    st.code(
        f"workbench ingest jsonl --path answers.jsonl --dataset mine --store {name}\n"
        f"workbench measure --measures '[rougeL@1]' --store {name}\n"
        f"workbench evaluate --store {name}",
        language=None,
    )
    st.markdown("`workbench --help` lists the other verbs: train, compare, fuse, route, sweep.")


def _counts(held: dict[str, int]) -> None:
    told = {name: held[name] for name in _COUNTS if held[name]}
    with st.container(horizontal=True, gap="medium"):  # in a narrow window they take two lines
        for name, count in told.items():
            st.metric(
                name.replace("llms", "LLMs"), _short(count), help=f"{count:,}", width="content"
            )


def _short(count: int) -> str:
    for size, letter in ((1_000_000, "M"), (100_000, "k")):
        if count >= size:
            return f"{count / (1e6 if letter == 'M' else 1e3):,.1f} {letter}"
    return f"{count:,}"


def _pool(part: Part) -> None:
    found = ask(pool, part)
    llms = found["llms"]
    known = [name for name in _COLUMNS if llms[name].null_count < llms.num_rows]
    llms = llms.select(known).rename_columns([_COLUMNS[name] for name in known])
    show_chart(
        "LLM pool",
        f"{llms.num_rows} LLMs whose answers are ranked, fused or routed to; prices and sizes as "
        "far as workbench price has written them.",
        llms, source="llms, candidates",
    )  # fmt: skip
    _prompts(found["prompts"])


def _prompts(prompts: pa.Table) -> None:
    title = "Prompts by dataset and split"
    if not prompts.num_rows:
        st.info("No prompt is chosen: choose others in the sidebar.")
        return
    bars = alt.Chart(prompts).mark_bar().encode(
        x=alt.X("sum(prompts):Q", title="prompts"),
        y=alt.Y("dataset:N", title=None, axis=alt.Axis(labelLimit=220)),
        color=alt.Color("split:N", title=None, sort=_SPLITS,
                        legend=alt.Legend(orient="top")),
        order=alt.Order("place:Q"),
        tooltip=["dataset:N", "split:N", alt.Tooltip("prompts:Q", format=","),
                 alt.Tooltip("with_reference:Q", title="with a reference", format=".0%"),
                 "categories:Q"],
    ).transform_calculate(place=f"indexof({_SPLITS}, datum.split)")  # fmt: skip
    told = "Models learn on train, settings are chosen on validation, and test is for the end."
    show_chart(title, told, prompts, bars.properties(height=alt.Step(34)), source="prompts")


def _coverage(part: Part, measured: bool) -> None:
    shares = ask(coverage, part) if measured else None
    if not shares:
        st.info("No answer that is chosen is measured yet: run workbench measure.")
        return
    gaps = sum(row["measured"] < row["candidates"] for row in shares.to_pylist())
    found = f"{gaps} orange tiles have gaps. {_FILLED}" if gaps else _WHOLE
    told = f"Share of each LLM's answers that a measure has scored: {found}"
    chart = _tiles(shares)
    show_chart("Coverage of measures", told, shares, chart, source="qualities, candidates")


_WHOLE = "none has a gap."
_FILLED = "workbench measure fills those of its own measures, where an answer has a text."


def _tiles(shares: pa.Table) -> alt.LayerChart | alt.FacetChart:
    base = alt.Chart(shares).encode(
        x=alt.X(
            "llm:N", title=None, axis=alt.Axis(labelAngle=-40, labelLimit=200, labelOverlap=False)
        ),
        y=alt.Y("measure:N", title=None, axis=alt.Axis(labelLimit=260)),
    )
    tiles = base.mark_rect(stroke="#88888866").encode(
        color=alt.condition(
            "datum.measured >= datum.candidates", alt.value("#a6cee3"),
            alt.Color("share:Q", legend=None)
            .scale(domain=[0, 1], range=["#f16913", "#fdd0a2"]),
        ),
        tooltip=["llm:N", "measure:N", alt.Tooltip("share:Q", format=".1%"),
                 alt.Tooltip("measured:Q", format=","), alt.Tooltip("candidates:Q", format=",")],
    )  # fmt: skip
    if len(set(shares["llm"].to_pylist())) > _WITH_NUMBERS:
        return alt.layer(tiles).properties(height=alt.Step(30))
    # Rounded down: 100 % is said of nothing that has a gap.
    numbers = base.mark_text(fontSize=11, color="black").encode(
        text=alt.Text("told:N")
    ).transform_calculate(
        told="(datum.measured >= datum.candidates ? 100 : floor(1000 * datum.share) / 10) + ' %'"
    )  # fmt: skip
    return (tiles + numbers).properties(height=alt.Step(30))


_WITH_NUMBERS = 20  # LLMs, of which each tile has room for its number
_SPLITS = ["train", "validation", "test"]
