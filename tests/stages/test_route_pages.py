import io

import pytest
from rich.console import Console

from workbench.stages.evaluation_pages import pages
from workbench.stages.evaluation_parts import by_part
from workbench.stages.route_names import RouteSystem, router_system
from workbench.stages.route_pages import route_pages
from workbench.stages.route_plots import route_plots
from workbench.stages.strong_weak_rows import SHARES

ARGMAX = RouteSystem("ZOOTER", "argmax").name
THRESHOLD = RouteSystem("ZOOTER", "threshold(strong=big:8b, weak=small, share=0.3)").name
FUSION = "fusion:GenFuser/PairRanker/max_logits;order=both;schedule=all/top_k=3;order=rank"
RANKING = "PairRanker/max_logits;order=both;schedule=all"
PAIR = "big:8b>small"
MEASURE = "score[x]@1"


def row(system, figure, value, low=None, high=None, part="all", n=30):
    ends = value if low is None else low, value if high is None else high
    return (system, "d", "test", part, f"{figure}:{MEASURE}", value, *ends, n)


def choice_rows(name, quality, cost, part="all"):
    return [
        row(name, "quality", quality, quality - 0.1, quality + 0.1, part),
        row(name, "vs_best_single", quality - 0.5, -0.1, 0.2, part),
        row(name, "vs_best_single_p", 0.03, part=part),
        row(name, "cost[usd]", cost, part=part),
        row(name, "cost_known", 0.9, part=part),
        row(name, "accuracy", 0.625, part=part),
        row(name, "arena", 0.444, part=part),
    ]


def curve_rows(name, apgr):
    points = [row(name, f"pgr@{share:.2f}[{PAIR}]", share) for share in SHARES]
    return [row(name, f"apgr[{PAIR}]", apgr), row(name, f"cpt50[{PAIR}]", 0.25), *points]


QUALITIES = {"Random": (0.3, 0.02), "Cheapest": (0.4, 0.001), "BestSingle": (0.5, 0.03),
             "Oracle": (0.9, 0.02), ARGMAX: (0.7, 0.012), THRESHOLD: (0.6, 0.0125),
             RANKING: (0.65, 0.02), "llm:big:8b": (0.5, 0.03),
             "llm:small": (0.4, 0.001)}  # fmt: skip
ROWS = [
    *(r for name, given in QUALITIES.items() for r in choice_rows(name, *given)),
    *(r for name, given in QUALITIES.items() for r in choice_rows(name, *given, "category=maths")),
    row(FUSION, "quality", 0.55), row(FUSION, "vs_best_single", 0.05),
    row(FUSION, "vs_best_single_p", 0.5),
    row(ARGMAX, "mtr", 1.75, 1, 2), row(ARGMAX, "uplift", 0.4375, 0.25, 0.5),
    row("BestSingle", "mtr", 2.5), row("BestSingle", "uplift", 0.0),
    *(row(name, figure, 0.5, 0.4, 0.6) for name in ("llm:big:8b", "llm:small")
      for figure in ("best_share", "on_hull")),
    *((f"llm:{llm}", "d", "test", "all", f"picked_share:{ARGMAX}", 0.5, 0.4, 0.6, 30)
      for llm in ("big:8b", "small")),
    row("ZeroRouter", "aiq", 0.45), row(router_system("ZOOTER"), "aiq", 0.5),
    row(router_system("ZOOTER"), "vs_zero_router", 0.05, 0.01, 0.09),
    row(router_system("ZOOTER"), "calibration_error", 0.0625),
    *(r for name, apgr in (("Random", 0.5), (router_system("ZOOTER"), 0.75), ("Oracle", 1.5))
      for r in curve_rows(name, apgr)),
    *(row("quality[m]", f"{figure}@{n}", n / 4)
      for n in (1, 2) for figure in ("reward_entropy", "preferred_quality")),
]  # fmt: skip


def printed(tables, width=80):
    out = io.StringIO()
    console = Console(file=out, width=width)
    for table in tables:
        console.print(table)
    return out.getvalue()


def lines_with(text, *words):
    return [line for line in text.splitlines() if all(word in line for word in words)]


def test_the_name_of_an_llm_may_hold_a_colon():
    [(_, whole), _] = by_part(ROWS).items()
    assert whole["Random"][f"apgr[{PAIR}]"][0] == 0.5
    assert {part[3] for part in by_part(ROWS)} == {MEASURE}


def test_tables_tell_of_routes_and_fit_a_terminal():
    text = printed(route_pages(ROWS))
    assert max(map(len, text.splitlines())) <= 80
    assert lines_with(text, "ZOOTER/argmax", "0.700", "0.200", "0.030", "0.012", "0.625", "0.444")
    assert lines_with(text, "ZOOTER/argmax", "1.750", "43.8")
    assert lines_with(text, "ZOOTER", "0.500", "0.050 [0.010, 0.090]", "0.062")
    assert lines_with(text, "ZOOTER", "0.750", "25.0")
    assert lines_with(text, "maths", "30", "0.500", "0.700", "0.650", "0.900")
    assert lines_with(text, "small", "0.001")
    assert "big:8b and small, by score[x]@1 on d, test" in text
    assert "strong: big:8b, weak: small" in text
    assert "mean USD, where it is known" in text.replace("\n", " ")


def test_systems_stand_in_their_order():
    text = printed(list(pages(ROWS))[:1], 120)
    order = ["Oracle", "max_logits", "fusion of 3", "ZOOTER/argmax", "ZOOTER/threshold",
             "BestSingle", "Cheapest", "Random"]  # fmt: skip
    cells = [line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")]
    found = [next(name for name in order if cell.startswith(name)) for cell in cells]
    assert found == order


def test_costs_without_routes_have_a_table_of_their_own():
    rows = [r for r in ROWS if "ZOOTER" not in r[0] and "ZOOTER" not in r[4]]
    text = printed(route_pages(rows))
    assert "Cost of the pick, by" in text
    assert "Routing" not in text
    assert lines_with(text, "Cheapest", "0.400", "0.001")
    assert printed(route_pages([r for r in rows if "[usd]" not in r[4]])).strip() == ""


@pytest.mark.parametrize("kind", ["cost_quality", "routed_share", "strong_weak", "reward_entropy"])
def test_plots_are_drawn(kind):
    [figure] = [figure for name, figure in route_plots(ROWS) if name.startswith(kind)]
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=50)
    assert len(out.getvalue()) > 1000
    told = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert {"reward_entropy": "quality[m]", "strong_weak": "ZOOTER: APGR 0.750"}.get(
        kind, "ZOOTER/argmax"
    ) in told
