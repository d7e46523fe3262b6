"""Sweep: an Optuna study over schemes, order modes, schedules and top-K on stored logits.

Trials are judged on validation; the best setting of each K is then looked at once on test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.trial import TrialState
from rich.console import Group

from workbench import terminal
from workbench.errors import BadValue
from workbench.stages.rankers import compared_ranker, short, short_scheme
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.sweeps.front import front_plot
from workbench.sweeps.ledger import Ledger
from workbench.sweeps.looks import look, write_looks
from workbench.sweeps.objective import (
    Compared,
    chosen_measure,
    compared_fingerprint,
    load_compared,
)
from workbench.sweeps.possible import possible
from workbench.sweeps.search import search
from workbench.sweeps.setting import Setting, fronts, looked_at
from workbench.sweeps.space import Space
from workbench.sweeps.study import claimed_study
from workbench.tracking import Run, Tracker, study_storage


@dataclass
class Swept:
    """What a study found, and where to look at it.

    Attributes:
        study, storage: Optuna's name of the study, and where it lies.
        trials: how many are complete.
        objective: what `validation` and `test` of a setting are.
        settings: the best of each K, looked at on test.
        fronts: by K, the settings that no other of that K beats in both objectives.
    """

    study: str
    storage: str
    trials: int
    objective: str
    settings: list[Setting]
    fronts: dict[int, list[Setting]]

    def __rich__(self) -> Group:
        chosen = {s.top_k: s for s in self.settings}
        rows = [
            (
                s.top_k,
                short_scheme(s.scheme),
                round(s.comparisons, 1),
                s.validation,
                f"{s.test.value:.3f} [{s.test.low:.3f}, {s.test.high:.3f}]" if s.test else "–",
            )
            for k, front in self.fronts.items()
            for s in (chosen[k], *front[1:])
        ]
        columns = ("top K", "scheme", "compari-\nsons", "valida-\ntion", "test, 95 % interval")
        title = f"Sweep {self.study}: {self.trials} trials, {self.objective}"
        return Group(
            terminal.table(title, columns, rows),
            "of each K the best on validation, then what is cheaper",
            f"see: optuna-dashboard {self.storage}",
        )


def sweep(
    store: Path,
    ranker: str | None = None,
    measure: str | None = None,
    datasets: list[str] | None = None,
    trials: int = 100,
    schemes: list[str] | None = None,
    orders: list[Literal["both", "left", "random"]] | None = None,
    schedules: list[str] | None = None,
    top_k: list[int] | None = None,
    objective: Literal["mean", "best"] = "mean",
    split: Literal["train", "validation"] = "validation",
    report_on: Literal["test"] | None = "test",
    study: str | None = None,
    seed: int = 0,
) -> Swept:
    """Searches scheme, its parameters, order, schedule and top-K; continues an unfinished study.

    Two objectives: quality of the top K (of the pick where K = 1), to be large, and encoder
    comparisons a prompt, to be small. Each K has its share of the trials and a front of its own.

    Args:
        store: DuckDB file.
        ranker: run id of a ranker, or its beginning; the only one by default.
        measure: quality measure; the only one in the store by default.
        datasets: names of datasets, all by default.
        trials: how many in all; a study started again does only those that are missing.
        schemes: to choose from, all that can rank so many candidates by default.
        orders: to choose from: both orders of a pair, left (one fixed), random (one by coin);
            all by default, or random where only one order of each pair was compared.
        schedules: to choose from for schemes that are no schedule's outcome, such as
            swiss(rounds=4) or top_k, whose k is then the trial's; all, swiss and top_k by default.
        top_k: sizes to choose from, 1, 2 and 3 by default.
        objective: 'mean' or 'best' quality among the top K.
        split: on which trials are judged.
        report_on: split on which the best setting of each K is looked at once; null for none.
        study: name of the study, made from the settings by default.
        seed: of the sampler and of random orders.

    Raises:
        BadValue, UnknownName: an option that cannot be used, or a study that another sweep has
            made, before any trial.
        MissingInput: no comparisons on the splits, or not those that the orders need.
    """
    if trials < 1:
        raise BadValue("trials", trials, "a positive number")
    given = {"schemes": schemes, "orders": orders, "schedules": schedules, "top_k": top_k}
    space = Space(**{name: list(value) for name, value in given.items() if value})  # type: ignore[arg-type]
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    measure = chosen_measure(opened, measure)
    ranker = compared_ranker(opened, ranker)
    tuned = load_compared(opened, ranker, measure, datasets, split)
    tested = load_compared(opened, ranker, measure, datasets, report_on) if report_on else None
    space = possible(space, [s for s in (tuned, tested) if s], orders, schemes)
    config: dict[str, Any] = {
        "ranker": ranker, "measure": measure, "datasets": datasets, **vars(space),
        "parameters": space.parameters(), "objective": objective, "split": split,
        "report_on": report_on, "study": study, "seed": seed,
    }  # fmt: skip
    tracker = Tracker(opened.path)
    data = compared_fingerprint(opened, ranker, measure, datasets)
    key = tracker.key("sweep", config, data)
    name = study or f"sweep-{short(ranker)}-{key}"
    asked = config | {"data": data, "store": tracker.store_id}
    opened_study = claimed_study(opened.path, name, key, asked)
    with tracker.run("sweep", config, data, seed=seed) as run:
        ledger = Ledger(opened, tracker, run, opened_study)
        with ledger.kept() as ctrl_c:

            def after_trial() -> None:
                ledger.one_more()
                ctrl_c.check()

            search(opened_study, tuned, space, objective, trials, seed, after_trial)
        found = fronts(opened_study.get_trials(deepcopy=False))
        settings = [front[0] for front in found.values()]
        if tested:
            settings = [looked_at(s, tested, objective, seed) for s in settings]
            write_looks(opened, run.id, _looks(config, tested, settings))
        _log(run, opened_study, config, settings, found)
    done = sum(t.state == TrialState.COMPLETE for t in opened_study.trials)
    told = f"{objective} {measure} of the top K"
    return Swept(name, study_storage(opened.path), done, told, settings, found)


def _looks(
    config: dict[str, Any], tested: Compared, settings: Sequence[Setting]
) -> list[dict[str, Any]]:
    ranker, measure, objective = config["ranker"], config["measure"], config["objective"]
    return [
        look(
            f"{ranker}/{s.scheme}",
            tested.pool.dataset,
            config["report_on"],
            f"quality:{measure}" if s.top_k == 1 else f"top{s.top_k}_{objective}:{measure}",
            s.test,
        )
        for s in settings
        if s.test
    ]


def _log(
    run: Run,
    study: optuna.Study,
    config: dict[str, Any],
    settings: Sequence[Setting],
    found: dict[int, list[Setting]],
) -> None:
    """The best of each K, and a plot of all trials with the front of each K."""
    run.log_metrics(
        {f"best/top_{s.top_k}/validation": s.validation for s in settings}
        | {f"best/top_{s.top_k}/{config['report_on']}": s.test.value for s in settings if s.test}
    )
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    tried = {
        f"top {k}": [(t.values[1], t.values[0]) for t in complete if t.params["top_k"] == k]
        for k in found
    }
    lines = {
        f"top {k}": [(s.comparisons, s.validation) for s in front] for k, front in found.items()
    }
    quality = f"{config['objective']} quality of the top K"
    run.log_figure(front_plot(tried, lines, "comparisons per prompt", quality), "plots/front.png")
