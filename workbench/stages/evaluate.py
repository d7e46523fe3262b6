"""Evaluate: rankings, qualities and verdicts -> results, with intervals, by split and category."""

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
from workbench.stages.evaluated_rankings import evaluated_rankings
from workbench.stages.evaluation_pages import pages
from workbench.stages.evaluation_parts import WHOLE
from workbench.stages.evaluation_plots import plots
from workbench.stages.fusion_names import FusionSystem, fusers_of
from workbench.stages.fusion_pages import fusion_pages
from workbench.stages.fusion_plots import fusion_plots
from workbench.stages.ranker_names import named, names
from workbench.stages.result_rows import COLUMNS, Row, result_rows
from workbench.stages.system_names import ranker_system
from workbench.stages.systems import Rankings
from workbench.stages.verdict_pages import verdict_pages
from workbench.stages.verdict_rows import verdict_rows
from workbench.store.fingerprint import fingerprint
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
        fusers = fusers_of(row[0] for row in self.rows)
        for id, told in names(self.labels).items():
            state += f"\n{'fuser' if id in fusers else 'ranker'} {told}: {id}"
        rows = named(self.rows, self.labels)
        every = chain(pages(rows), fusion_pages(rows), verdict_pages(rows))
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
) -> Evaluated:
    """Tells what each system's answer is worth, with 95 % intervals, against BestSingle and others.

    Beside the rankings stand always Random, Longest, BestSingle (chosen on validation), Oracle
    and each LLM. Without any ranking these alone are evaluated. Fusions that are measured are
    compared with all of these on the prompts that all have, with the pick of their own ranker and
    with the best candidate that they were made of. Where the store holds verdicts of judges,
    people or models, it is told too how often each system prefers what they prefer.

    Args:
        store: DuckDB file.
        ranker: run id of a ranker, or its beginning; every one with rankings by default. Of
            fusions those of its candidates, and of candidates taken at random.
        schemes: such as max_logits, which means all its settings, or bradley_terry(prior=0.1),
            which means that one, as `aggregate` reads it; all that are ranked by default.
        measures: quality measures, all in the store by default.
        datasets: names of datasets, all by default.
        splits: validation by default; look at test once, at the end.
        against: LLMs to compare the pick with by name.
        min_gap: also count pairwise accuracy on pairs whose qualities differ by more than this.
        min_category: categories with fewer prompts get no slice of their own.
        resamples: bootstrap samples.
        seed: of the bootstrap.
        fuser: run id or hash of a fuser, or its beginning; by default every one with measured
            fusions. `none`: no fusions, and so no prompt left out for them.

    Raises:
        UnknownName, BadValue: a name that the store does not hold, a scheme that is none.
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
    told = _labels(opened, rankings, fusions)
    seen = " ".join([_seen(opened, config), *seen_fusions(opened, fusions, config)])
    with Tracker(opened.path).run("evaluate", config, seen, seed=seed) as run:
        stored = _stored(opened, run.id)
        if run.finished and stored:
            return Evaluated(run.id, stored, told, new=False)
        rows = [
            *result_rows(opened, config, rankings, fusions),
            *verdict_rows(opened, config, rankings),
        ]
        if not rows:
            raise MissingInput(_nothing(opened, config))
        _write(opened, run.id, rows)
        _log(run, rows, told)
    return Evaluated(run.id, rows, told, new=True)


def _labels(store: Store, rankings: Rankings, fusions: Sequence[FusionSystem]) -> dict[str, str]:
    """Of the rankers and fusers that are evaluated."""
    evaluated = {ranker for ranker, _ in rankings}
    evaluated |= {name for system in fusions for name in (system.fuser, system.ranker)}
    return {name: label for name, label in labels(store).items() if name in evaluated}


def _seen(store: Store, config: dict[str, Any]) -> str:
    qualities = fingerprint(
        store,
        "select p.prompt_id, p.split, q.* from qualities q join candidates using (candidate_id) "
        "join prompts p using (prompt_id) "
        "where list_contains($measures, q.measure) and list_contains($datasets, p.dataset)",
        {"measures": config["measures"], "datasets": config["datasets"]},
    )
    rankings = fingerprint(
        store,
        "select ranker, scheme, candidate_id, score from rankings "
        "where list_contains($rankings, ranker || '/' || scheme)",
        {"rankings": config["rankings"]},
    )
    return " ".join([qualities, rankings, *_judged(store, config)])


def _judged(store: Store, config: dict[str, Any]) -> list[str]:
    """Of verdicts, and of the comparisons of the prompts that have them; none without verdicts,
    so that an evaluation which never had any stays the same."""
    chosen = {"datasets": config["datasets"], "splits": config["splits"]}
    of_prompts = (
        "join prompts p using (prompt_id) "
        "where list_contains($datasets, p.dataset) and list_contains($splits, p.split)"
    )
    verdicts = fingerprint(store, f"select v.* from verdicts v {of_prompts}", chosen)  # noqa: S608
    if verdicts.endswith("-0"):
        return []
    rankers = sorted({ranking.partition("/")[0] for ranking in config["rankings"]})
    comparisons = fingerprint(
        store,
        f"select c.* from comparisons c semi join verdicts using (prompt_id) {of_prompts} "  # noqa: S608
        "and list_contains($rankers, c.ranker)",
        chosen | {"rankers": rankers},
    )
    return [verdicts, comparisons]


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
    for name, figure in chain(plots(shown), fusion_plots(shown)):
        run.log_figure(figure, f"plots/{name}.png")
