"""Evaluate: rankings, fusions, routes and verdicts -> results, with intervals, by category."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from rich.console import Group
from rich.text import Text

from workbench.errors import MissingInput
from workbench.stages.chosen_fusions import chosen_fusions, seen_fusions
from workbench.stages.chosen_routes import chosen_routes, chosen_unit, seen_routes
from workbench.stages.evaluated_rankings import evaluated_rankings
from workbench.stages.evaluation_data import seen_data
from workbench.stages.evaluation_pages import pages
from workbench.stages.evaluation_parts import WHOLE
from workbench.stages.evaluation_plots import plots
from workbench.stages.fusion_names import FusionSystem, fusers_of
from workbench.stages.fusion_pages import fusion_pages
from workbench.stages.fusion_plots import fusion_plots
from workbench.stages.ranker_names import named, names
from workbench.stages.result_rows import COLUMNS, Row, result_rows
from workbench.stages.route_names import RouteSystem, routers_of
from workbench.stages.route_pages import route_pages
from workbench.stages.route_plots import route_plots
from workbench.stages.system_names import ranker_system
from workbench.stages.systems import Rankings
from workbench.stages.verdict_pages import verdict_pages
from workbench.stages.verdict_rows import verdict_rows
from workbench.store.ids import SPLITS
from workbench.store.labels import labels
from workbench.store.pool import check_names, names_of
from workbench.store.store import Store
from workbench.store.tables import write_rows
from workbench.store.verdicts import judged_splits
from workbench.tracking import Run, Tracker


@dataclass
class Evaluated:
    """The results of one run, as they stand in the store, and its models' labels."""

    run: str
    rows: list[Row]
    labels: dict[str, str]
    new: bool

    def __rich__(self) -> Group:
        state = "" if self.new else " (done before)"
        systems = {row[0] for row in self.rows}
        kinds = dict.fromkeys(fusers_of(systems), "fuser")
        kinds |= dict.fromkeys(routers_of(systems), "router")
        for id, told in names(self.labels).items():
            state += f"\n{kinds.get(id, 'ranker')} {told}: {id}"
        rows = named(self.rows, self.labels)
        every = chain(pages(rows), fusion_pages(rows), route_pages(rows), verdict_pages(rows))
        spaced = (part for page in every for part in (Text(), page))
        return Group(Text(f"evaluate: run {self.run}{state}"), *spaced)


def evaluate(
    store: Path,
    ranker: str | None = None,
    schemes: list[str] | None = None,
    measures: list[str] | None = None,
    datasets: list[str] | None = None,
    splits: list[Literal["train", "validation", "test"]] | None = None,
    against: list[str] | None = None,
    min_gap: float | None = None,
    min_category: int = 20,
    resamples: int = 2000,
    seed: int = 0,
    fuser: str | None = None,
    router: str | None = None,
    policies: list[str] | None = None,
    cost: Literal["usd", "tokens", "calls", "parameters"] | None = None,
) -> Evaluated:
    """Tells what each system's answer is worth, with 95 % intervals, against BestSingle and others.

    Beside the rankings stand always Random, Longest, BestSingle (chosen on validation), Oracle
    and each LLM. Without any ranking these alone are evaluated. Fusions that are measured are
    compared with all of these on the prompts that all have, with the pick of their own ranker and
    with the best candidate that they were made of. Routes, each router with each policy, are
    compared with all of these too, and it is told whom they ask and what that costs. Where the
    store holds verdicts of judges, people or models, it is told how often each system prefers
    what they prefer.

    Args:
        store: DuckDB file.
        ranker: run id of a ranker, or its beginning; every one with rankings by default. Of
            fusions those of its candidates, and of candidates taken at random.
        schemes: such as max_logits, which means all its settings, or bradley_terry(prior=0.1),
            which means that one, as `aggregate` reads it; all that are ranked by default.
        measures: quality measures, all in the store by default.
        datasets: names of datasets, all by default.
        splits: validation by default; look at test once, at the end.
        against: LLMs to compare the pick with by name; of two, routers are told of as choosing
            between the first, the strong one, and the second.
        min_gap: also count pairwise accuracy on pairs whose qualities differ by more than this.
        min_category: categories with fewer prompts get no slice of their own.
        resamples: bootstrap samples.
        seed: of the bootstrap.
        fuser: run id or hash of a fuser, or its beginning; by default every one with measured
            fusions. `none`: no fusions, and so no prompt left out for them.
        router: run id or hash of a router, or its beginning; by default every one with routes.
            `none`: no routes.
        policies: how LLMs are chosen by a router's utilities: argmax by default,
            cost_aware(lambda=0.1), threshold(strong=LLM, weak=LLM, share=0.3), whose threshold is
            set on validation, or abstain(default=LLM, margin=0.05).
        cost: the unit of costs; beside routes by default the first of usd, parameters (billions)
            and tokens (of answers) that is known, else calls.

    Raises:
        UnknownName, BadValue: a name that the store does not hold, a scheme or policy that is
            none.
        MissingInput: nothing to evaluate.
    """
    opened = Store(store)
    for kind, given in (("dataset", datasets), ("measure", measures), ("llm", against)):
        check_names(opened, kind, given)
    measures = measures or names_of(opened, "measure")
    datasets = datasets or names_of(opened, "dataset")
    if not measures and not judged_splits(opened, datasets, SPLITS):
        raise MissingInput(
            f"{store} holds neither qualities nor verdicts of judges: run `workbench measure`"
        )
    rankings = evaluated_rankings(opened, ranker, schemes)
    config: dict[str, Any] = {
        "rankings": [ranker_system(*r) for r in rankings],
        "measures": measures,
        "datasets": datasets,
        "splits": list(splits or ["validation"]),
        "against": against,
        "min_gap": min_gap,
        "min_category": min_category,
        "resamples": resamples,
        "seed": seed,
    }
    fusions = chosen_fusions(opened, fuser, rankings if ranker or schemes else None, config)
    if fusions:  # an evaluation that never had any stays the same
        config["fusions"] = [system.name for system in fusions]
    routes = chosen_routes(opened, router, policies, config)
    if routes:
        config["routes"] = [system.name for system in routes]
    if routes or cost:
        config["cost"] = chosen_unit(opened, cost, config)
    told = _labels(opened, rankings, fusions, routes)
    parts = (seen_fusions(opened, fusions, config), seen_routes(opened, routes, config))
    seen = " ".join([seen_data(opened, config), *chain(*parts)])
    with Tracker(opened.path).run("evaluate", config, seen, seed=seed) as run:
        stored = _stored(opened, run.id)
        if run.finished and stored:
            return Evaluated(run.id, stored, told, new=False)
        rows = [
            *result_rows(opened, config, rankings, fusions, routes),
            *verdict_rows(opened, config, rankings),
        ]
        if not rows:
            raise MissingInput(_nothing(opened, config))
        _write(opened, run.id, rows)
        _log(run, rows, told)
    return Evaluated(run.id, rows, told, new=True)


def _labels(
    store: Store,
    rankings: Rankings,
    fusions: Sequence[FusionSystem],
    routes: Sequence[RouteSystem],
) -> dict[str, str]:
    """Of the rankers, fusers and routers that are evaluated."""
    evaluated = {ranker for ranker, _ in rankings}
    evaluated |= {name for system in fusions for name in (system.fuser, system.ranker)}
    evaluated |= {system.router for system in routes}
    return {name: label for name, label in labels(store).items() if name in evaluated}


def _nothing(store: Store, config: dict[str, Any]) -> str:
    """Why there is nothing to evaluate, and where there would be something."""
    measured = f", or measured by {', '.join(config['measures'])}" if config["measures"] else ""
    told = (
        f"no prompt of {', '.join(config['datasets'])} in the split "
        f"{' or '.join(config['splits'])} is judged{measured}"
    )
    judged = judged_splits(store, config["datasets"], SPLITS)
    where = ", ".join(f"{dataset} in the split {split}" for dataset, split in judged)
    return f"{told}; verdicts are there on {where}" if judged else told


def _stored(store: Store, run: str) -> list[Row]:
    rows = store.query(
        f"select {', '.join(COLUMNS)} from results where run_id = ?",  # noqa: S608
        [run],
    )
    return [tuple(row.values()) for row in rows.to_pylist()]


def _write(store: Store, run: str, rows: list[Row]) -> None:
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    table = pa.table({"run_id": [run] * len(rows), **columns})
    with store.writing() as db:
        # An earlier start that was killed may have written figures under other names.
        db.execute("delete from results where run_id = ?", [run])
        db.register("_results", table)
        write_rows(db, "results", "_results", "replace")


def _log(run: Run, rows: list[Row], labels: dict[str, str]) -> None:
    run.log_metrics(
        {
            "/".join([dataset, split, *([part] if part != WHOLE else []), measure, system]): value
            for system, dataset, split, part, measure, value, *_ in rows
        }
    )
    lines = [",".join(COLUMNS), *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    run.log_text("\n".join(lines), "results.csv")
    shown = named(rows, labels)
    for name, figure in chain(plots(shown), fusion_plots(shown), route_plots(shown)):
        run.log_figure(figure, f"plots/{name}.png")
