"""Tune: an Optuna study over what a fuser is shown and how it writes.

Two objectives: quality of the fused answers, and how many tokens are generated for them. Unlike a
sweep, which reads stored logits, a trial has the fuser write; all that it writes stays in the
store under its recipe, so that nothing is written twice.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import optuna

from workbench import terminal
from workbench.errors import BadValue
from workbench.evaluation import mean_estimate
from workbench.models.device import device_of
from workbench.models.inferring import check_inference
from workbench.stages.chosen_fuser import chosen_fuser
from workbench.stages.chosen_ranking import RANDOM, RANDOM_ID, ChosenRanking, chosen_ranking
from workbench.stages.rankers import short
from workbench.stages.shown_candidates import Order
from workbench.store.labels import set_label
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.sweeps.decoding_space import DecodingSpace
from workbench.sweeps.front import front_plot, undominated
from workbench.sweeps.fusion_pool import FusionPool
from workbench.sweeps.fusion_prompts import lexical_measure, ranked_prompts, seen
from workbench.sweeps.fusion_search import METRICS, TEXT, choice_of, complete, search_fusions
from workbench.sweeps.fusion_space import ORDERS, FusionSpace, possible
from workbench.sweeps.ledger import Ledger
from workbench.sweeps.looks import write_looks
from workbench.sweeps.study import claimed_study
from workbench.sweeps.tuned import (
    Tuned,
    figures_of,
    front_csv,
    looked_at,
    looks_of,
    settings_of,
)
from workbench.tracking import Run, Tracker, study_storage

_SIZES = [1, 2, 3, 4, 5]
_DECODINGS = DecodingSpace()


def tune(
    store: Path,
    fuser: str | None = None,
    ranker: str | None = None,
    measure: str | None = None,
    datasets: list[str] | None = None,
    trials: int = 30,
    prompts: int | None = 200,
    schemes: list[str] | None = None,
    top_k: list[int] | None = None,
    orders: list[Order] | None = None,
    decoding: DecodingSpace = _DECODINGS,
    split: Literal["train", "validation"] = "validation",
    report_on: Literal["test"] | None = None,
    study: str | None = None,
    seed: int = 0,
    tokens_per_batch: int = 16384,
    precision: Literal["float32", "bfloat16"] = "float32",
    device: str = "auto",
) -> Tuned:
    """Searches K, order of candidates and decoding of a fuser; continues an unfinished study.

    Two objectives: quality of the fused answers, to be large, and tokens generated per prompt, to
    be small. All fusions stay in the store; those that `fuse` has made are not made again.

    Args:
        store: DuckDB file.
        fuser: run id of a training of a fuser, or its beginning; the only one by default. Or a
            directory, or a hub id such as llm-blender/gen_fuser_3b.
        ranker: run id of a ranker with rankings, or its beginning; the only one by default;
            'random' takes candidates by chance.
        measure: of words and characters, such as rougeL@1; the only one in the store by default.
        datasets: names of datasets, all by default.
        trials: how many in all; a study started again does only those that are missing.
        prompts: how many each trial fuses, drawn by the seed; null for all of the split.
        schemes: of the ranker's rankings, to choose from; max_logits by default.
        top_k: how many candidates are fused, to choose from; 1 to 5 by default, as far as prompts
            have as many.
        orders: in which they are shown, to choose from: by rank, reversed, shuffled.
        decoding: how answers are searched for, each setting to choose from.
        split: on which trials are judged.
        report_on: split on all of whose prompts the settings of the front are looked at once;
            null, as it has them all fused, for none.
        study: name of the study, made from the settings by default.
        seed: of the sampler, the draw of prompts, shuffled orders, random rankings and sampling.
        tokens_per_batch: budget of a batch in tokens, padding and beams counted.
        precision: of the fuser's arithmetic.
        device: cpu, cuda, cuda:1, mps …; auto takes an accelerator where there is one.

    Raises:
        BadValue, UnknownName: an option that cannot be used, or a study that another tuning has
            made, before any trial.
        MissingInput: no such fuser or ranking, or no prompt with a reference.
        BadModel: a fuser that cannot be loaded.
    """
    for name, count in (("trials", trials), ("prompts", prompts)):
        if count is not None and count < 1:
            raise BadValue(name, count, "a positive number")
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    check_inference((0,), tokens_per_batch, precision)
    place, measure = device_of(device), lexical_measure(opened, measure)
    rankings = _rankings(opened, ranker, schemes or ["max_logits"], seed)
    space = FusionSpace(list(rankings), top_k or _SIZES, orders or list(ORDERS), decoding)
    tracker = Tracker(opened.path)
    found = chosen_fuser(tracker, fuser)
    most = max(space.top_k)
    ranked = ranked_prompts(opened, rankings, most, datasets, split, prompts, seed)
    shown = next(iter(ranked.values()))
    space = possible(space, found.load(), max(map(len, shown.values())), asked=bool(top_k))
    options = {"tokens_per_batch": tokens_per_batch, "precision": precision}
    pool = FusionPool(
        opened, found, rankings, measure, datasets, split, list(shown), seed, place, options
    )
    tested = _tested(pool, report_on, most) if report_on else None
    config: dict[str, Any] = {
        "fuser": found.id, "ranker": next(iter(rankings.values())).ranker, "measure": measure,
        "datasets": datasets, "prompts": prompts, **asdict(space), "split": split,
        "precision": precision, "study": study, "seed": seed,
    }  # fmt: skip
    return _tuned(tracker, pool, tested, space, config, seen(opened, ranked), trials)


def _tuned(
    tracker: Tracker,
    pool: FusionPool,
    tested: FusionPool | None,
    space: FusionSpace,
    config: dict[str, Any],
    data: str,
    trials: int,
) -> Tuned:
    """Does the trials that are missing, and looks at the front."""
    store, seed = pool.store, config["seed"]
    key = tracker.key("tune", config, data)
    name = config["study"] or f"tune-{short(pool.fuser.id)}-{key}"
    asked = config | {"data": data, "store": tracker.store_id}
    study = claimed_study(store.path, name, key, asked, METRICS)
    with tracker.run("tune", config, data, seed=seed) as run:
        _label(pool)
        ledger = Ledger(store, tracker, run, study, METRICS, TEXT, every=1)
        with ledger.kept() as ctrl_c:
            search_fusions(study, pool, space, trials, seed, ledger.one_more, ctrl_c)
            choices = [choice_of(trial) for trial in undominated(complete(study))]
            settings = settings_of(pool, choices, seed)
            if tested:
                settings = looked_at(settings, tested, seed, ctrl_c)
                write_looks(store, run.id, looks_of(store, settings, tested))
        picks = {scheme: mean_estimate(pool.pick(scheme), seed=seed) for scheme in space.schemes}
        done = len(complete(study))
        found = Tuned(name, study_storage(store.path), done, pool.measure, picks, settings)
        _log(run, study, found, pool.split, tested.split if tested else None)
    return found


def _rankings(
    store: Store, ranker: str | None, schemes: Sequence[str], seed: int
) -> dict[str, ChosenRanking]:
    """The rankings by their scheme; of random ones there is one."""
    named = [RANDOM] if ranker == RANDOM else schemes
    found = [chosen_ranking(store, ranker, scheme, seed) for scheme in named]
    if len({ranking.scheme for ranking in found}) < len(found):
        raise BadValue("schemes", list(schemes), "each choice once")
    return {ranking.scheme: ranking for ranking in found}


def _tested(pool: FusionPool, split: str, most: int) -> FusionPool:
    """The same on all prompts of another split."""
    ranked = ranked_prompts(pool.store, pool.rankings, most, pool.datasets, split, None, pool.seed)
    return replace(pool, split=split, prompts=list(next(iter(ranked.values()))), _shown={})


def _label(pool: FusionPool) -> None:
    """Gives the fuser, and random rankings, a name for people."""
    set_label(pool.store, pool.fuser.id, pool.fuser.label)
    if any(ranking.ranker == RANDOM_ID for ranking in pool.rankings.values()):
        set_label(pool.store, RANDOM_ID, RANDOM.capitalize())
    if pool.split == "train":
        terminal.say("split train is tuned on: a fuser knows the references that it was trained on")


def _log(run: Run, study: optuna.Study, done: Tuned, split: str, report_on: str | None) -> None:
    """Figures of the front, its table, and a plot of all trials with it."""
    run.log_metrics(
        {
            f"front/{place}/{where}/{name}": found.value
            for place, setting in enumerate(done.settings, 1)
            for where, worth in ((split, setting.tuned), (report_on, setting.test))
            if worth
            for name, found in figures_of(worth).items()
        }
    )
    run.log_text(front_csv(done.settings, {"tuned": split, "test": str(report_on)}), "front.csv")
    run.log_figure(_plot(study, done), "plots/front.png")


def _plot(study: optuna.Study, done: Tuned) -> Any:
    trials = complete(study)
    tried = {
        f"top {k}": [(t.values[1], t.values[0]) for t in trials if t.params["top_k"] == k]
        for k in sorted({t.params["top_k"] for t in trials})
    }
    front = [(s.tuned.tokens_out.value, s.tuned.quality.value) for s in done.settings]
    return front_plot(
        tried,
        {"front": front},
        "generated tokens per prompt",
        f"{done.measure} of the fused answers",
        {"the ranker's pick": next(iter(done.picks.values())).value}
        if len(done.picks) == 1
        else {},
    )
