"""What fewer comparisons cost in quality: rankings, whole systems, and the trials of sweeps."""

from typing import Any

import altair as alt
import pyarrow as pa

from dashboards.charts import LINES
from dashboards.charts import show as show_chart
from dashboards.dots import levels
from dashboards.intervals import around
from dashboards.naming import ranking_name
from dashboards.queries.overview import labels
from dashboards.queries.schedules import TRIALS, comparisons_taken, evaluated_comparisons, trials
from dashboards.queries.scored import Part
from dashboards.reading import ask
from dashboards.systems import kind_of, system_names
from workbench.stages.rankers import short_scheme

_AXIS = "comparisons per prompt"
_COLOURS = ["#2f8fe8", "#f58518", "#2ca25f", "#e4405f", "#a974d6", "#a0703c", "#17becf"]
"""Seen on white and on black, and told apart; each goes with a shape."""
_SHAPES = [
    "circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right",
]  # fmt: skip
_NEAR = (0.015, 0.04)
"""Shares of the two axes within which symbols lie on each other."""
_NAMED = 6  # of the best systems
_TICKS = alt.Axis(tickCount=8)


def show(part: Part, measure: str, known: dict[str, str], found: dict[str, pa.Table]) -> None:
    """Draws quality against comparisons; `found` is the answer of `queries.rankers.agreement`."""
    _rankings(part, measure, known, found)
    _systems(ask(evaluated_comparisons, part, measure), measure)
    _trials(ask(trials))


def _rankings(part: Part, measure: str, known: dict[str, str], found: dict[str, pa.Table]) -> None:
    picks = around(found["picks"], "quality").to_pylist()
    rows = []
    rankers = list(dict.fromkeys(row["ranker"] for row in picks))
    for ranker in rankers:
        own = {row["scheme"]: row for row in picks if row["ranker"] == ranker}
        for taken in ask(comparisons_taken, part, ranker, tuple(own)).to_pylist():
            pick = own[taken["scheme"]]
            setting = ranking_name(ranker, taken["scheme"], known)
            name = setting if len(rankers) > 1 else short_scheme(taken["scheme"])
            told = {"setting": setting, "name": name, "schedule": taken["schedule"]}
            played = {"played_on": taken["prompts"], "comparisons": taken["comparisons"]}
            rows.append({**told, **pick, **played})
    if not rows:
        return
    beside = found["beside"]["quality"].to_pylist()
    numbers = pa.Table.from_pylist(told_together(rows, beside))
    schedules = sorted({row["schedule"] for row in rows})
    base = alt.Chart(numbers).encode(
        x=alt.X("comparisons:Q", title=_AXIS, axis=_TICKS),
        color=_colour("schedule", schedules),
        tooltip=["setting:N", alt.Tooltip("together:N", title="here"),
                 alt.Tooltip("comparisons:Q", format=".1f"),
                 alt.Tooltip("quality:Q", format=".3f"), alt.Tooltip("low:Q", format=".3f"),
                 alt.Tooltip("high:Q", format=".3f"), "prompts:Q"],
    )  # fmt: skip
    y = alt.Scale(zero=False)
    ends = base.mark_rule(strokeWidth=1.5).encode(
        color=alt.value(LINES),
        y=alt.Y("low:Q", title="mean quality of the pick", scale=y),
        y2="high:Q",
    )
    points = _points(base, "schedule", schedules)
    lines = levels(found["beside"], "quality", "system", along="y")
    show_chart(
        "Quality against comparisons",
        f"Mean {measure} of the pick of a ranker with a scheme: far left and high up is best. "
        "Comparisons are counted by playing its schedule on the stored logits of up to "
        f"{max(numbers['played_on'].to_pylist())} prompts. One label stands for all that lie on "
        "each other; point at a symbol to see which these are.",
        numbers, (lines + ends + points + _texts(base)).properties(height=360),
        numbers["ranker"].to_pylist(), "rankings, qualities, comparisons",
    )  # fmt: skip


def _systems(numbers: pa.Table, measure: str) -> None:
    if not numbers.num_rows:
        return
    known = ask(labels).to_pylist()
    names = system_names(numbers["system"].to_pylist(), {row["id"]: row["label"] for row in known})
    rows = []
    for row in numbers.to_pylist():
        of = ", ".join([row["dataset"], row["split"], *row["slice"].split("category=", 1)[1:]])
        name = names[row["system"]]
        rows.append({"name": name, "kind": kind_of(row["system"]), "of": of, **row})
    places = sorted({row["of"] for row in rows})
    rows = _front_named(rows)
    numbers = pa.Table.from_pylist(rows)
    kinds = sorted({row["kind"] for row in rows})
    base = alt.Chart(numbers).encode(
        x=alt.X("comparisons:Q", title=_AXIS, axis=_TICKS), color=_colour("kind", kinds),
        tooltip=["name:N", "kind:N", "of:N", alt.Tooltip("comparisons:Q", format=".1f"),
                 alt.Tooltip("quality:Q", format=".3f"), "prompts:Q", "run_id:N"],
    )  # fmt: skip
    y = alt.Scale(zero=False)
    ends = base.mark_rule(strokeWidth=1.5).encode(
        color=alt.value(LINES), y=alt.Y("low:Q", title="mean quality", scale=y), y2="high:Q"
    )
    chart = (ends + _points(base, "kind", kinds) + _texts(base)).properties(height=340)
    show_chart(
        "Evaluated systems by comparisons",
        f"Mean {measure} of systems that rank on their way, as evaluations have found "
        "them: fusers of the best K answers, and chains that route to some LLMs, "
        "rank their answers and fuse; of "
        f"{'; '.join(places)}. Named: the best of each kind, "
        f"and those for which no other is as good with as few comparisons (at most {_NAMED}).",
        numbers, chart, numbers["run_id"].to_pylist(), "figures",
    )  # fmt: skip


def _front_named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with a label where no other of the same prompts is as good with as few comparisons,
    of many such the best, and where none of its kind is better."""
    front = list[tuple[str, str]]()
    for of in dict.fromkeys(row["of"] for row in rows):
        own = [row for row in rows if row["of"] == of]
        top, best = float("-inf"), list[str]()
        for row in sorted(own, key=lambda row: (row["comparisons"], -row["quality"])):
            if row["quality"] > top:
                top = row["quality"]
                best.append(row["system"])
        of_kind = dict[str, str]()
        for row in sorted(own, key=lambda row: -row["quality"]):
            of_kind.setdefault(row["kind"], row["system"])
        front += [(of, system) for system in (*best[-_NAMED:], *of_kind.values())]
    middle = max(row["comparisons"] for row in rows) / 2
    return [
        {**row, "label": row["name"] if (row["of"], row["system"]) in front else None,
         "left": row["comparisons"] < middle, "above": True}
        for row in rows
    ]  # fmt: skip


def told_together(rows: list[dict[str, Any]], beside: list[float]) -> list[dict[str, Any]]:
    """The rows with a label for each place of the chart, and the names of all that lie there.

    Args:
        rows: with comparisons, quality, low, high and name.
        beside: other qualities that are drawn.
    """
    widest = max(row["comparisons"] for row in rows)
    drawn = [*beside, *(row[end] for row in rows for end in ("quality", "low", "high"))]
    known = [value for value in drawn if value is not None]
    near = (_NEAR[0] * widest, _NEAR[1] * (max(known) - min(known)))
    places = list[list[dict[str, Any]]]()
    for row in sorted(rows, key=lambda row: (row["comparisons"], row["quality"])):
        for place in places:
            if all(
                abs(row[axis] - place[0][axis]) <= room
                for axis, room in zip(("comparisons", "quality"), near, strict=True)
            ):
                place.append(row)
                break
        else:
            places.append([row])
    told = []
    for number, place in enumerate(places):
        names = [row["name"] for row in place]
        label = ", ".join(names) if len(names) < 3 else f"{len(names)} schemes"
        shared = {"together": ", ".join(names), "above": number % 2 == 0}
        left = place[0]["comparisons"] < widest / 2
        told += [
            {**row, "label": label if row is place[0] else None, "left": left} | shared
            for row in place
        ]
    return told


def _colour(field: str, domain: list[str]) -> alt.Color:
    colours = [_COLOURS[place % len(_COLOURS)] for place in range(len(domain))]
    return alt.Color(f"{field}:N", title=field, scale=alt.Scale(domain=domain, range=colours))


def _points(base: alt.Chart, field: str, domain: list[str]) -> alt.Chart:
    """Hollow symbols, so that those below others are seen; each shape has a colour."""
    shapes = [_SHAPES[place % len(_SHAPES)] for place in range(len(domain))]
    return base.mark_point(filled=False, strokeWidth=2.5, size=130).encode(
        y=alt.Y("quality:Q", scale=alt.Scale(zero=False)),
        shape=alt.Shape(f"{field}:N", title=field, scale=alt.Scale(domain=domain, range=shapes)),
    )


def _texts(base: alt.Chart) -> alt.Chart:
    """The labels of `label`: towards the middle of the chart, above or below the symbol."""
    return base.transform_filter("isValid(datum.label)").mark_text(
        align=alt.expr("datum.left ? 'left' : 'right'"),
        dx=alt.expr("datum.left ? 9 : -9"), dy=alt.expr("datum.above ? -13 : 15"),
        fontSize=11, limit=420,
    ).encode(y=alt.Y("quality:Q"), text="label:N", color=alt.value(LINES))  # fmt: skip


def _trials(numbers: pa.Table) -> None:
    if not numbers.num_rows:
        return
    best = numbers.sort_by([("quality", "descending")])[:5]
    few = f" Of all trials {TRIALS:,} are drawn." if numbers.num_rows == TRIALS else ""
    points = alt.Chart(numbers).mark_point(filled=True, size=60, opacity=0.7).encode(
        x=alt.X("comparisons:Q", title=_AXIS, axis=_TICKS),
        y=alt.Y("quality:Q", title="quality, by the study's measure", scale=alt.Scale(zero=False)),
        tooltip=["study:N", "trial:Q", alt.Tooltip("comparisons:Q", format=".1f"),
                 alt.Tooltip("quality:Q", format=".3f"), "setting:N"],
        facet=alt.Facet("study:N", columns=2, title=None, header=alt.Header(labelLimit=360)),
    ).resolve_scale(x="independent", y="independent")  # fmt: skip
    show_chart(
        "Trials of sweeps by comparisons",
        "Each dot is a setting that a sweep has tried, on the prompts that it searches on, "
        f"whatever is chosen in the sidebar; the page Sweeps tells more.{few}",
        numbers, points.properties(width=360, height=260),
        best["run_id"].drop_null().to_pylist(), "trials; the runs are those of the best five",
    )  # fmt: skip
