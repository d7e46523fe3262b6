"""The part of Sweeps that tells what each setting does to an objective."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards.charts import show as show_chart
from dashboards.page.trials import LAMBDA, called
from dashboards.plain import plain
from dashboards.queries.sweeps import effects
from dashboards.queries.trials_asked import Asked
from dashboards.reading import ask

_BLUE = "#4c9be8"
_LAMBDA = (
    " At 1, a usual difference between LLMs in the router's utility weighs as much as one in "
    "their cost. Times a factor of each router it is the λ of cost_aware(lambda=…) that chains "
    "tell: see Best trials."
)
_MOST = 24  # settings


def show_effects(asked: Asked, weights: Mapping[str, float], runs: list[str]) -> None:
    """A chart a setting, two beside each other; those of the largest weight first."""
    found = ask(effects, asked)
    charts = [
        (name, rows, draw(rows, asked))
        for kind, draw in (("choices", _choices), ("numbers", _numbers))
        for name, rows in _by_name(found[kind])
    ]
    if not charts:
        return
    charts.sort(key=lambda chart: -weights.get(chart[0], 0))
    charts = charts[:_MOST]
    best = "lowest" if asked.smaller else "highest"
    st.subheader("What each setting does", anchor="effects")
    st.caption(
        plain(
            f"For each value of a setting: the middle half of its trials' {asked.name} as a bar "
            f"or band, their median, and the {best} as a triangle. Trials choose their other "
            "settings too, so a difference may be theirs."
        )
    )
    titles = _titles([name for name, _, _ in charts])
    for start in range(0, len(charts), 2):
        columns = st.columns(2)
        for place, (name, rows, chart) in enumerate(charts[start : start + 2]):
            with columns[place]:
                told = f"{sum(rows['trials'].to_pylist()):,} trials have this setting."
                told += _LAMBDA if name == LAMBDA else ""
                show_chart(titles[start + place], told, rows, chart, runs, "trials")


def _titles(names: Sequence[str]) -> list[str]:
    """Titles of which no two are the same but for capitals and spaces."""
    seen = Counter[str]()
    titles = []
    for name in names:
        plainest = "_".join(name.lower().split())
        seen[plainest] += 1
        titles.append(f"By {name}" + (f" ({seen[plainest]})" if seen[plainest] > 1 else ""))
    return titles


def _by_name(rows: pa.Table) -> list[tuple[str, pa.Table]]:
    if "setting" in rows.column_names:
        known = called()
        told = [known.get(setting, setting) for setting in rows["setting"].to_pylist()]
        place = rows.schema.get_field_index("setting")
        rows = rows.set_column(place, "setting", pa.array(told, pa.string()))
    names = list(dict.fromkeys(rows["name"].to_pylist()))
    column = rows["name"].to_pylist()
    return [
        (name, rows.filter(pa.array([other == name for other in column])).drop_columns(["name"]))
        for name in names
    ]


def _choices(rows: pa.Table, asked: Asked) -> alt.LayerChart | alt.FacetChart:
    order = rows["setting"].to_pylist()
    base = alt.Chart(rows).encode(
        y=alt.Y("setting:N", sort=order, title=None,
                axis=alt.Axis(labelLimit=200, labelOverlap=False)),
        tooltip=["setting:N", *_TIPS],
    )  # fmt: skip
    x: dict[str, Any] = {
        "title": asked.name, "scale": alt.Scale(zero=False, padding=8),
        "axis": alt.Axis(tickCount=4),
    }  # fmt: skip
    bars = base.mark_bar(color=_BLUE, opacity=0.5, height={"band": 0.6}).encode(
        x=alt.X("low:Q", **x), x2="high:Q"
    )
    middles = base.mark_tick(color=_BLUE, thickness=3).encode(x=alt.X("middle:Q", **x))
    best = base.mark_point(shape="triangle-up", filled=True, color="#e8782b", size=60).encode(
        x=alt.X("best:Q", **x)
    )
    return alt.layer(bars, middles, best).properties(height=alt.Step(26))


def _numbers(rows: pa.Table, asked: Asked) -> alt.LayerChart | alt.FacetChart:
    low, high = min(rows["least"].to_pylist()), max(rows["most"].to_pylist())
    kind: Any = "log" if low > 0 and high / low > 30 else "linear"
    base = alt.Chart(rows).encode(
        x=alt.X("number:Q", title=None, scale=alt.Scale(type=kind, zero=False, nice=False)),
        tooltip=[alt.Tooltip("least:Q", title="from", format=".4g"),
                 alt.Tooltip("most:Q", title="to", format=".4g"), *_TIPS],
    )  # fmt: skip
    y: dict[str, Any] = {"title": asked.name, "scale": alt.Scale(zero=False, padding=8)}
    band = base.mark_area(color=_BLUE, opacity=0.3).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    line = base.mark_line(color=_BLUE, point=True).encode(y=alt.Y("middle:Q", **y))
    best = base.mark_point(shape="triangle-up", filled=True, color="#e8782b", size=45).encode(
        y=alt.Y("best:Q", **y)
    )
    return alt.layer(band, line, best).properties(height=220)


_TIPS: list[Any] = [
    "trials:Q",
    *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("low", "middle", "high", "best")),
]
