"""One ranker's logits: does the order of two answers sway them, and do they mean what they say?"""

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.dots import dots, prompts_told
from dashboards.intervals import wilson
from dashboards.plain import plain
from dashboards.queries.pair_logits import logit_calibration, position_bias
from dashboards.queries.scored import Part
from dashboards.reading import ask

_SOURCE = "comparisons, qualities"
_MOST = 10  # rankers beside each other


def show(part: Part, name: str, known: dict[str, str], measure: str | None) -> None:
    """Draws position bias of all rankers (name -> id), and the logits of the one called `name`."""
    every = list(known)[:_MOST]
    if len(known) > 1:
        _flips({each: ask(position_bias, part, known[each]) for each in every}, known)
    found = ask(position_bias, part, known[name])
    if not found["sizes"]["prompts"][0].as_py():
        st.info(f"Ranker {plain(name)} has compared no answers to the chosen prompts.")
        return
    _position(found, name, known[name])
    if measure is not None:
        _calibration(ask(logit_calibration, part, known[name], measure), name, known[name], measure)


def _flips(found: dict[str, dict[str, pa.Table]], known: dict[str, str]) -> None:
    rows = []
    for name, tables in found.items():
        (told,) = tables["position"].to_pylist()
        if told["pairs"]:
            rows.append({"ranker": name, **told, "prompts": tables["sizes"]["prompts"][0].as_py()})
    if len(rows) < 2:
        return
    numbers = pa.Table.from_pylist(rows)
    low, high = wilson(numbers["flips"].to_numpy(), numbers["pairs"].to_numpy())
    numbers = numbers.append_column("low", pa.array(low)).append_column("high", pa.array(high))
    order = numbers.sort_by("flips")["ranker"].to_pylist()
    chart = dots(numbers, "ranker", "flips", "share of pairs", order, ".1%")
    show_chart(
        "Winner turns with the order",
        "On which share of pairs another answer wins once the two are shown the other way round; "
        "0 for rankers that score each answer alone. Lines: 95 % interval over pairs (Wilson).",
        numbers, chart.properties(height=alt.Step(26)), [known[row["ranker"]] for row in rows],
        "comparisons",
    )  # fmt: skip


def _position(found: dict[str, pa.Table], name: str, ranker: str) -> None:
    (told,) = found["position"].to_pylist()
    if not told["pairs"]:
        st.info("No pair was compared in both orders, so that its position bias is not known.")
        return
    low, high = wilson(np.array([told["flips"]]), np.array([told["pairs"]]))
    rows = []
    for row in found["histogram"].to_pylist():
        flipped = row.pop("flipped")
        pairs = row.pop("pairs")
        rows += [
            {**row, "winner": "the same either way", "pairs": pairs - flipped},
            {**row, "winner": "turns with the order", "pairs": flipped},
        ]
    numbers = pa.Table.from_pylist([row for row in rows if row["pairs"]])
    bars = alt.Chart(numbers).mark_bar().encode(
        x=alt.X("low:Q", bin="binned", title="position bias of a pair, in logits"), x2="high:Q",
        y=alt.Y("pairs:Q", title="pairs", stack=True),
        color=alt.Color("winner:N", title="winner", legend=alt.Legend(orient="top")),
        tooltip=[alt.Tooltip("low:Q", format=".3f"), alt.Tooltip("high:Q", format=".3f"),
                 "winner:N", alt.Tooltip("pairs:Q", format=",")],
    )  # fmt: skip
    none = alt.Chart(pa.table({"bias": [0.0]})).mark_rule(strokeDash=[5, 4], color=LINES)
    show_chart(
        "Position bias",
        f"Ranker {name}: mean of a pair's logit and that of the same two answers turned round; 0 "
        "is none, above 0 favours whoever stands left. The winner turns with the order in "
        f"{told['flips']:.1%} [{low[0]:.1%}, {high[0]:.1%}] of {told['pairs']:,} pairs; mean bias "
        f"{told['mean_bias']:+.3f}, mean size {told['mean_size']:.3f}. "
        f"{prompts_told(found['sizes'])}; the outer bars hold what lies beyond them.",
        numbers, (bars + none.encode(x="bias:Q")).properties(height=260), [ranker], _SOURCE,
    )  # fmt: skip


def _calibration(found: dict[str, pa.Table], name: str, ranker: str, measure: str) -> None:
    numbers = found["reliability"]
    if not numbers.num_rows:
        st.info("None of the compared answers is measured so: no calibration of logits.")
        return
    predicted, observed, pairs = (
        numbers[column].to_numpy() for column in ("predicted", "observed", "pairs")
    )
    error = float((np.abs(predicted - observed) * pairs).sum() / pairs.sum())
    low, high = wilson(observed, pairs)
    numbers = numbers.append_column("low", pa.array(low)).append_column("high", pa.array(high))
    percent = alt.Axis(format="%")
    whole = alt.Scale(domain=[0, 1])
    base = alt.Chart(numbers).encode(
        x=alt.X("predicted:Q", title="predicted: sigmoid of the logit", axis=percent, scale=whole),
        tooltip=[alt.Tooltip("predicted:Q", format=".1%"), alt.Tooltip("observed:Q", format=".1%"),
                 alt.Tooltip("low:Q", format=".1%"), alt.Tooltip("high:Q", format=".1%"),
                 alt.Tooltip("pairs:Q", format=",")],
    )  # fmt: skip
    ends = base.mark_rule(strokeWidth=2, color=LINES).encode(
        y=alt.Y("low:Q", title="pairs whose left answer is better", axis=percent, scale=whole),
        y2="high:Q",
    )
    points = base.mark_circle(opacity=1).encode(
        y=alt.Y("observed:Q", scale=whole),
        size=alt.Size("pairs:Q", title="pairs", scale=alt.Scale(range=[40, 500])),
    )
    line = base.mark_line(opacity=0.6).encode(y="observed:Q")
    right = alt.Chart(pa.table({"at": [0.0, 1.0]})).mark_line(strokeDash=[5, 4], color=LINES)
    show_chart(
        "Calibration of logits",
        f"Ranker {name}: of pairs that it is so sure of, how often the left answer really is "
        f"better by {measure} (equal ones half). On the dashed line a logit means what it says; "
        f"steeper: too unsure, flatter: too sure. Expected calibration error {error:.3f}; "
        f"{prompts_told(found['sizes'])}; intervals (Wilson) are over pairs, those of a prompt "
        "hang together, so the truth is less sure.",
        numbers, (right.encode(x="at:Q", y="at:Q") + ends + line + points)
        .properties(height=380, width=480), [ranker], _SOURCE,
    )  # fmt: skip
