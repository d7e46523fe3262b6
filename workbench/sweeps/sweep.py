"""Sweep: an Optuna study over schemes, order modes and top-K on stored logits.

Trials are judged on validation; the best setting of each K is then looked at once on test.
"""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
import pyarrow as pa
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState
from rich.console import Group

from workbench import terminal
from workbench.aggregation import Scheme
from workbench.aggregation.bradley_terry import NotConverged
from workbench.errors import BadValue
from workbench.evaluation import Estimate, mean_estimate
from workbench.stages.rankers import compared_ranker, short, short_scheme
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.store.tables import write_rows
from workbench.sweeps.front import front_plot
from workbench.sweeps.objective import Compared, load_compared
from workbench.sweeps.space import Space
from workbench.tracking import Run, Tracker, study_storage

_SYNC_EVERY = 50  # trials between two writings to MLflow and the store


@dataclass
class Setting:
    """The best setting of one K: on validation, and once on test."""

    top_k: int
    scheme: str
    comparisons: float
    validation: float
    test: Estimate | None


@dataclass
class Swept:
    """What a study found, and where to look at it."""

    study: str
    storage: str
    trials: int
    objective: str
    settings: list[Setting]

    def __rich__(self) -> Group:
        rows = [
            (
                s.top_k,
                short_scheme(s.scheme),
                round(s.comparisons, 1),
                s.validation,
                f"{s.test.value:.3f} [{s.test.low:.3f}, {s.test.high:.3f}]" if s.test else "–",
            )
            for s in self.settings
        ]
        columns = ("top K", "scheme", "compari-\nsons", "valida-\ntion", "test, 95 % interval")
        title = f"Sweep {self.study}: {self.trials} trials, {self.objective}"
        return Group(terminal.table(title, columns, rows), f"see: optuna-dashboard {self.storage}")


def sweep(
    store: Path,
    ranker: str | None = None,
    measure: str | None = None,
    datasets: list[str] | None = None,
    trials: int = 100,
    schemes: list[str] | None = None,
    orders: list[Literal["both", "left", "random"]] | None = None,
    top_k: list[int] | None = None,
    objective: Literal["mean", "best"] = "mean",
    split: Literal["train", "validation"] = "validation",
    report_on: Literal["test"] | None = "test",
    study: str | None = None,
    seed: int = 0,
) -> Swept:
    """Searches scheme, its parameters, order mode and top-K; continues an unfinished study.

    Two objectives: quality of the top K (of the pick where K = 1), to be large, and encoder
    comparisons a prompt, to be small.

    Args:
        store: DuckDB file.
        ranker: run id of a ranker, or its beginning; the only one by default.
        measure: quality measure; the only one in the store by default.
        datasets: names of datasets, all by default.
        trials: how many in all; a study started again does only those that are missing.
        schemes: to choose from, all by default.
        orders: to choose from: both orders of a pair, left (one fixed), random (one by coin).
        top_k: sizes to choose from, 1, 2 and 3 by default.
        objective: 'mean' or 'best' quality among the top K.
        split: on which trials are judged.
        report_on: split on which the best setting of each K is looked at once; null for none.
        study: name of the study, made from the settings by default.
        seed: of the sampler and of random orders.

    Raises:
        BadValue, UnknownName: an option that cannot be used, before any trial.
        MissingInput: no comparisons on the splits.
    """
    if trials < 1:
        raise BadValue("trials", trials, "a positive number")
    given = {"schemes": schemes, "orders": orders, "top_k": top_k}
    space = Space(**{name: list(value) for name, value in given.items() if value})  # type: ignore[arg-type]
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    measure = _measure(opened, measure)
    ranker = compared_ranker(opened, ranker)
    tuned = load_compared(opened, ranker, measure, datasets, split)
    tested = load_compared(opened, ranker, measure, datasets, report_on) if report_on else None
    config: dict[str, Any] = {
        "ranker": ranker, "measure": measure, "datasets": datasets, **vars(space),
        "objective": objective, "split": split, "report_on": report_on, "study": study,
        "seed": seed,
    }  # fmt: skip
    tracker = Tracker(opened.path)
    storage = study_storage(opened.path)
    with tracker.run("sweep", config, _seen(opened, config), seed=seed) as run:
        name = study or f"sweep-{short(ranker)}-{run.key}"
        opened_study = _study(storage, name, seed)
        ledger = _Ledger(opened, tracker, run, opened_study, objective)
        try:
            _optimise(opened_study, tuned, space, objective, trials, seed, ledger)
        finally:
            ledger.write()
        settings = _best_settings(opened_study, tuned, tested, objective, seed)
        done = sum(t.state == TrialState.COMPLETE for t in opened_study.trials)
        if report_on:
            _write_results(opened, run.id, ranker, measure, report_on, objective, tested, settings)
        run.log_metrics(
            {f"best/top_{s.top_k}/validation": s.validation for s in settings}
            | {f"best/top_{s.top_k}/{report_on}": s.test.value for s in settings if s.test}
        )
        run.log_figure(front_plot(opened_study, objective), "plots/front.png")
    return Swept(name, storage, done, f"{objective} {measure} of the top K", settings)


def _measure(store: Store, measure: str | None) -> str:
    from workbench.store.pool import names_of

    if measure:
        check_names(store, "measure", [measure])
        return measure
    known = names_of(store, "measure")
    if len(known) != 1:
        raise BadValue("measure", measure, f"one of {', '.join(known) or 'none: measure first'}")
    return known[0]


def _seen(store: Store, config: dict[str, Any]) -> str:
    wanted = {k: config[k] for k in ("ranker", "measure", "datasets")}
    return fingerprint(
        store,
        "select c.left_id, c.right_id, c.logit, q.value, p.split "
        "from comparisons c join prompts p using (prompt_id) "
        "left join qualities q on q.candidate_id = c.left_id and q.measure = $measure "
        "where c.ranker = $ranker and ($datasets is null or list_contains($datasets, p.dataset))",
        wanted,
    )


def _study(storage: str, name: str, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", ExperimentalWarning)  # metric names, grouped sampling
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        directions=["maximize", "minimize"],
        load_if_exists=True,
    )
    study.set_metric_names(["quality", "comparisons"])
    # Left by a process that was killed.
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    # Another seed for each start, else a study that goes on would draw its first trials again.
    study.sampler = optuna.samplers.TPESampler(
        seed=seed + len(study.trials), multivariate=True, group=True
    )
    return study


def _optimise(
    study: optuna.Study,
    tuned: Compared,
    space: Space,
    objective: str,
    trials: int,
    seed: int,
    ledger: "_Ledger",
) -> None:
    missing = trials - sum(t.state == TrialState.COMPLETE for t in study.trials)
    if missing <= 0:
        return
    known: dict[tuple[str, int], dict[str, float]] = {}

    def worth(trial: optuna.Trial) -> tuple[float, float]:
        scheme, top_k = space.choose(trial, seed)
        key = (str(scheme), top_k)
        if key not in known:
            per_prompt = tuned.figures(scheme, top_k)
            known[key] = {name: float(v.mean()) for name, v in per_prompt.items()}
        figures = known[key]
        # One attribute rather than three: each is a commit of its own to the storage.
        trial.set_user_attr("setting", {"scheme": str(scheme), **figures})
        return figures[objective], figures["comparisons"]

    with terminal.progress("sweep", missing, "trials") as advance:

        def after(study: optuna.Study, trial: FrozenTrial) -> None:
            advance()
            if trial.number % _SYNC_EVERY == _SYNC_EVERY - 1:
                ledger.write()

        study.optimize(worth, n_trials=missing, callbacks=[after], catch=(NotConverged,))


@dataclass
class _Ledger:
    """Copies finished trials to MLflow and to the store's `trials`, each once."""

    store: Store
    tracker: Tracker
    run: Run
    study: optuna.Study
    objective: str

    def write(self) -> None:
        rows = self.store.query("select trial from trials where study = ?", [self.study.study_name])
        there = set(rows["trial"].to_pylist())
        fresh = [
            t for t in self.study.get_trials(deepcopy=False)
            if t.state.is_finished() and t.number not in there
        ]  # fmt: skip
        if fresh:
            # A kill may have come between MLflow and the store.
            again = self.run.finished or self.run.resumed
            left = self.tracker.children(self.run.id) if again else {}
            rows = [self._row(t, left.get(_name(t))) for t in fresh]
            self.store.insert("trials", pa.Table.from_pylist(rows))

    def _row(self, trial: FrozenTrial, earlier: str | None) -> dict[str, Any]:
        complete = trial.state == TrialState.COMPLETE
        setting = dict(trial.user_attrs.get("setting", {}))
        scheme = setting.pop("scheme", "")
        # Beside the two objectives: mean and best quality of the top K, whichever was asked for.
        objectives = dict(zip(("quality", "comparisons"), trial.values or (), strict=False))
        objectives = setting | objectives
        child = self.tracker.add_child(
            self.run,
            _name(trial),
            "FINISHED" if complete else "FAILED",
            trial.params | {"setting": scheme},
            objectives,
            earlier,
        )
        return {
            "study": self.study.study_name,
            "trial": trial.number,
            "state": trial.state.name,
            "params": json.dumps(trial.params),
            "objectives": json.dumps(objectives) if complete else None,
            "run_id": child,
        }


def _name(trial: FrozenTrial) -> str:
    return f"trial {trial.number}"


def _best_settings(
    study: optuna.Study, tuned: Compared, tested: Compared | None, objective: str, seed: int
) -> list[Setting]:
    """For each K the best trial on validation; of equal ones the cheapest, then the first."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    settings = []
    for k in sorted({t.params["top_k"] for t in complete}):
        best = min(
            (t for t in complete if t.params["top_k"] == k),
            key=lambda t: (-t.values[0], t.values[1], t.number),
        )
        scheme = Scheme.parse(best.user_attrs["setting"]["scheme"])
        values = tested.figures(scheme, k)[objective] if tested else None
        estimate = mean_estimate(values, seed=seed) if values is not None else None
        settings.append(Setting(k, str(scheme), best.values[1], best.values[0], estimate))
    return settings


def _write_results(
    store: Store,
    run: str,
    ranker: str,
    measure: str,
    split: str,
    objective: str,
    tested: Compared | None,
    settings: Sequence[Setting],
) -> None:
    datasets = sorted(set(tested.pool.dataset)) if tested else []
    rows = [
        {
            "run_id": run, "system": f"{ranker}/{s.scheme}", "dataset": "+".join(datasets),
            "split": split, "slice": "all",
            "measure": f"quality:{measure}" if s.top_k == 1
            else f"top{s.top_k}_{objective}:{measure}",
            "value": s.test.value, "low": s.test.low, "high": s.test.high, "n": s.test.n,
        }
        for s in settings if s.test
    ]  # fmt: skip
    with store.writing() as db:
        db.execute("delete from results where run_id = ?", [run])
        db.register("_settings", pa.Table.from_pylist(rows))
        write_rows(db, "results", "_settings", "replace")
