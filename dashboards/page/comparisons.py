"""What fewer comparisons cost in quality: rankings, whole systems, and the trials of sweeps."""

import altair as alt
import pyarrow as pa

from dashboards.charts import show as show_chart
from dashboards.dots import levels
from dashboards.intervals import around
from dashboards.naming import ranking_name
from dashboards.queries.schedules import TRIALS, comparisons_taken, evaluated_comparisons, trials
from dashboards.queries.scored import Part
from dashboards.reading import ask

_AXIS = "comparisons per prompt"
_KINDS = {"fusion:": "fuser", "chain:": "chain"}


def show(part: Part, measure: str, known: dict[str, str], found: dict[str, pa.Table]) -> None:
    """Draws quality against comparisons; `found` is the answer of `queries.rankers.agreement`."""
    _rankings(part, measure, known, found)
    _systems(ask(evaluated_comparisons, part, measure), measure)
    _trials(ask(trials))


def _rankings(part: Part, measure: str, known: dict[str, str], found: dict[str, pa.Table]) -> None:
    picks = around(found["picks"], "quality").to_pylist()
    rows = []
    for ranker in dict.fromkeys(row["ranker"] for row in picks):
        own = {row["scheme"]: row for row in picks if row["ranker"] == ranker}
        for taken in ask(comparisons_taken, part, ranker, tuple(own)).to_pylist():
            pick = own[taken["scheme"]]
            setting = ranking_name(ranker, taken["scheme"], known)
            played = {"played_on": taken["prompts"], "comparisons": taken["comparisons"]}
            rows.append({"setting": setting, "schedule": taken["schedule"], **pick, **played})
    if not rows:
        return
    numbers = pa.Table.from_pylist(rows)
    base = alt.Chart(numbers).encode(
        x=alt.X("comparisons:Q", title=_AXIS),
        color=alt.Color("schedule:N", title="schedule"),
        tooltip=["setting:N", alt.Tooltip("comparisons:Q", format=".1f"),
                 alt.Tooltip("quality:Q", format=".3f"), alt.Tooltip("low:Q", format=".3f"),
                 alt.Tooltip("high:Q", format=".3f"), "prompts:Q"],
    )  # fmt: skip
    y = alt.Scale(zero=False)
    ends = base.mark_rule(strokeWidth=1.5, opacity=0.5).encode(
        y=alt.Y("low:Q", title="mean quality of the pick", scale=y), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=110, opacity=0.9).encode(
        y=alt.Y("quality:Q", scale=y)
    )
    beside = levels(found["beside"], "quality", "system", along="y")
    show_chart(
        "Quality against comparisons",
        f"Mean {measure} of the pick of a ranker with a scheme: far left and high up is best. "
        "Comparisons are counted by playing its schedule on the stored logits of up to "
        f"{max(numbers['played_on'].to_pylist())} prompts.",
        numbers, (beside + ends + points).properties(height=320),
        numbers["ranker"].to_pylist(), "rankings, qualities, comparisons",
    )  # fmt: skip


def _systems(numbers: pa.Table, measure: str) -> None:
    if not numbers.num_rows:
        return
    kinds = [_kind(system) for system in numbers["system"].to_pylist()]
    places = [
        ", ".join([row["dataset"], row["split"], *row["slice"].split("category=", 1)[1:]])
        for row in numbers.to_pylist()
    ]
    numbers = numbers.append_column("kind", pa.array(kinds)).append_column("of", pa.array(places))
    base = alt.Chart(numbers).encode(
        x=alt.X("comparisons:Q", title=_AXIS), color=alt.Color("kind:N", title="system"),
        tooltip=["system:N", "of:N", alt.Tooltip("comparisons:Q", format=".1f"),
                 alt.Tooltip("quality:Q", format=".3f"), "prompts:Q", "run_id:N"],
    )  # fmt: skip
    y = alt.Scale(zero=False)
    ends = base.mark_rule(strokeWidth=1.5, opacity=0.5).encode(
        y=alt.Y("low:Q", title="mean quality", scale=y), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=90, opacity=0.9).encode(
        y=alt.Y("quality:Q", scale=y)
    )
    chart = (ends + points).properties(height=300)
    show_chart(
        "Evaluated systems by comparisons",
        f"Mean {measure} of systems that rank on their way, as evaluations have found "
        "them: fusers of the best K answers, and chains that route to some LLMs, "
        "rank their answers and fuse; of "
        f"{'; '.join(sorted(set(places)))}.",
        numbers, chart, numbers["run_id"].to_pylist(), "figures",
    )  # fmt: skip


def _kind(system: str) -> str:
    return next((kind for head, kind in _KINDS.items() if system.startswith(head)), "ranker")


def _trials(numbers: pa.Table) -> None:
    if not numbers.num_rows:
        return
    best = numbers.sort_by([("quality", "descending")])[:5]
    few = f" Of all trials {TRIALS:,} are drawn." if numbers.num_rows == TRIALS else ""
    points = alt.Chart(numbers).mark_point(filled=True, size=60, opacity=0.7).encode(
        x=alt.X("comparisons:Q", title=_AXIS),
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
