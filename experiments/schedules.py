"""Which schedule keeps the quality of all comparisons at the lowest cost?

python experiments/schedules.py --store alpaca_eval.duckdb [--ranker RUN] [--measure rougeL@1]

Plays a grid of schemes, schedules and order modes on the logits that `workbench compare --order
both` has stored, no encoder needed. The cheapest setting that keeps a share of the full ranking's
quality is chosen on one split and then read on another. Writes schedules.md and schedules.png, and
keeps both in MLflow as a run of the store.
"""

import sys
from pathlib import Path

from jsonargparse import auto_cli

from workbench import terminal
from workbench.aggregation import Scheme
from workbench.errors import BadValue, MissingInput, WorkbenchError
from workbench.stages.rankers import compared_ranker
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.sweeps.grid_plot import grid_plot
from workbench.sweeps.grid_report import label, report
from workbench.sweeps.objective import (
    Compared,
    chosen_measure,
    compared_fingerprint,
    load_compared,
)
from workbench.sweeps.schedule_grid import Kept, grid, kept_by_each
from workbench.tracking import Tracker

SCHEMES = ["max_logits", "bradley_terry"]
SCHEDULES = ["all", *(f"swiss(rounds={rounds})" for rounds in (2, 3, 4, 6))]
CONFIDENCES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
PLAYED = ["bubble", "knockout", "quick_sort", "merge_sort"] + [
    f"top_k(k={k}, confidence={confidence})" for k in (1, 3) for confidence in CONFIDENCES
]


def schedules(
    store: Path,
    ranker: str | None = None,
    measure: str | None = None,
    datasets: list[str] | None = None,
    schemes: list[str] = SCHEMES,
    schedules: list[str] = SCHEDULES,
    outcomes: list[str] = PLAYED,
    orders: list[str] = ["both", "random"],  # noqa: B006
    full: str = "max_logits",
    keep: float = 0.99,
    choose_on: str = "validation",
    report_on: str = "test",
    seeds: int = 8,
    resamples: int = 2000,
    seed: int = 0,
    into: Path | None = None,
) -> None:
    """Finds the schedule that keeps the quality of all comparisons at the lowest cost.

    Args:
        store: DuckDB file.
        ranker: run id of a ranker, or its beginning; the only one by default.
        measure: quality measure; the only one in the store by default.
        datasets: names of datasets, all by default.
        schemes: that go with every schedule.
        schedules: that go with every scheme.
        outcomes: schemes that are a schedule's own outcome.
        orders: presentations of a pair: both, random, left.
        full: scheme of the full ranking, over all pairs in both orders.
        keep: share of the full ranking's gain over a random pick that is to be kept.
        choose_on: split on which the cheapest setting is chosen.
        report_on: split on which it is then read, and which the table and the plot show.
        seeds: of the random orders and schedules; figures are means over them.
        resamples: bootstrap samples.
        seed: of the bootstrap.
        into: folder of table and plot; 'schedules' beside the store by default.
    """
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    chosen = compared_ranker(opened, ranker)
    settings = grid(schemes, schedules, outcomes, orders)
    whole = Scheme.parse(full)
    for name, value, least in (("seeds", seeds, 1), ("resamples", resamples, 1)):
        if value < least:
            raise BadValue(name, value, f"an integer ≥ {least}")
    config = {
        "ranker": chosen, "measure": chosen_measure(opened, measure), "datasets": datasets,
        "settings": [str(setting) for setting in settings], "full": str(whole), "keep": keep,
        "choose_on": choose_on, "report_on": report_on, "seeds": seeds, "resamples": resamples,
        "seed": seed,
    }  # fmt: skip
    data = compared_fingerprint(opened, chosen, str(config["measure"]), datasets)
    folder = into or store.parent / "schedules"
    with Tracker(opened.path).run("schedules", config, data, seed=seed) as run:
        found: dict[str, list[Kept]] = {}
        for split in dict.fromkeys([choose_on, report_on]):
            compared = _in_both_orders(opened, config, split, datasets)
            with terminal.progress(f"schedules on {split}", len(settings), "settings") as advance:
                found[split] = kept_by_each(
                    compared, settings, whole, seeds, resamples, seed, advance
                )
        text = report(found[choose_on], found[report_on], config)
        figure = grid_plot(found[report_on], f"{config['measure']}, {report_on}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schedules.md").write_text(text, "utf-8")
        figure.savefig(folder / "schedules.png", dpi=150)
        run.log_text(text, "schedules.md")
        run.log_figure(figure, "plots/schedules.png")
        run.log_metrics(dict(_metrics(found)))
    print(text)
    terminal.say(f"table and plot in {folder}, and in MLflow run {run.id}")


def _in_both_orders(store: Store, config: dict, split: str, datasets: list[str] | None) -> Compared:
    compared = load_compared(store, config["ranker"], config["measure"], datasets, split)
    if not compared.both:
        raise MissingInput(
            f"only one order of each pair of split '{split}' is stored: run "
            f"`workbench compare --order both --splits '[{split}]'`"
        )
    return compared


def _metrics(found: dict[str, list[Kept]]) -> list[tuple[str, float]]:
    return [
        (f"{split}/{name}/{label(row.scheme)}", figure.value)
        for split, rows in found.items()
        for row in rows
        for name in ("comparisons", "quality", "share", "same_pick", "top_full", "top_measure")
        if (figure := getattr(row, name)) is not None
    ]


if __name__ == "__main__":
    try:
        auto_cli(schedules, description=__doc__, as_positional=False)
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
