import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress

import numpy as np
import optuna
import pytest
from tiny_pipeline import MEASURE, content, copied, execute, one, rows, runs

from workbench.aggregation import Scheme
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.store.store import Store
from workbench.sweeps.objective import load_compared
from workbench.sweeps.sweep import sweep
from workbench.tracking import Tracker, study_storage


@pytest.fixture(scope="module")
def swept(compared_pool, tmp_path_factory):
    """A study of 12 trials: the folder, and what the stage answered. Read only."""
    folder = copied(compared_pool, tmp_path_factory.mktemp("swept") / "pool")
    return folder, sweep(folder / "store.duckdb", trials=12, seed=3)


def trials_of(done):
    return optuna.load_study(study_name=done.study, storage=done.storage).trials


def same_everywhere(store, done):
    """Checks that Optuna, the store and MLflow hold the same trials; gives how many."""
    [parent] = runs(store, "sweep")
    children = {run.info.run_id: run for run in runs(store, "sweep-trial")}
    assert set(Tracker(store).children(parent.info.run_id).values()) == set(children)
    stored = {
        trial: (state, json.loads(params), json.loads(objectives or "null"), run)
        for trial, state, params, objectives, run in rows(
            store,
            "select trial, state, params, objectives, run_id from trials where study = ?",
            done.study,
        )
    }
    known = {t.number: t for t in trials_of(done)}
    assert set(stored) == set(known)
    assert {run for *_, run in stored.values()} == set(children)
    for number, (state, params, objectives, run) in stored.items():
        assert state == known[number].state.name
        assert params == known[number].params
        if state == "COMPLETE":
            assert [objectives["quality"], objectives["comparisons"]] == known[number].values
            assert children[run].data.metrics == objectives
            assert children[run].data.params["top_k"] == str(params["top_k"])
    return len(stored)


def test_store_optuna_and_mlflow_hold_the_same_trials(swept):
    folder, done = swept
    assert done.trials == 12
    assert same_everywhere(folder / "store.duckdb", done) == 12
    study = optuna.load_study(study_name=done.study, storage=done.storage)
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["quality", "comparisons"]
    [run] = runs(folder / "store.duckdb", "sweep")
    assert run.info.status == "FINISHED"
    assert (
        Tracker(folder / "store.duckdb").artifact(run.info.run_id, "plots") / "front.png"
    ).is_file()


def test_the_best_of_each_k_on_validation_is_looked_at_once_on_test(swept):
    folder, done = swept
    store = folder / "store.duckdb"
    ranker = one(store, "select any_value(ranker) from comparisons")
    tuned, tested = (
        load_compared(Store(store), ranker, MEASURE, None, s) for s in ("validation", "test")
    )
    assert [s.top_k for s in done.settings] == [1, 2, 3]
    for s in done.settings:
        of_k = [t for t in trials_of(done) if t.params["top_k"] == s.top_k]
        assert s.validation == max(t.values[0] for t in of_k)
        scheme = Scheme.parse(s.scheme)
        figures = tuned.figures(scheme, s.top_k)
        assert figures["mean"].mean() == pytest.approx(s.validation)
        assert figures["comparisons"].mean() == pytest.approx(s.comparisons)
        assert tested.figures(scheme, s.top_k)["mean"].mean() == pytest.approx(s.test.value)
        assert s.test.n == one(store, "select count(*) from prompts where split = 'test'")
    found = rows(store, "select system, dataset, split, slice, measure, value from results")
    assert sorted(found) == sorted(
        (
            f"{ranker}/{s.scheme}",
            "simulated",
            "test",
            "all",
            f"quality:{MEASURE}" if s.top_k == 1 else f"top{s.top_k}_mean:{MEASURE}",
            s.test.value,
        )
        for s in done.settings
    )


def test_a_study_goes_on_to_exactly_as_many_trials(compared_pool, fresh):
    store = fresh(compared_pool)
    sweep(store, trials=4)
    first = content(store, "trials")
    done = sweep(store, trials=7)
    assert done.trials == 7
    assert same_everywhere(store, done) == 7
    assert first <= content(store, "trials")
    # Of later trials none repeats the draws of the first start.
    params = [t.params for t in trials_of(done)]
    assert params[4:] != params[:3]
    assert sweep(store, trials=7).settings == done.settings
    assert same_everywhere(store, done) == 7


def test_what_a_kill_left_half_done_is_completed_and_not_doubled(compared_pool, fresh):
    store = fresh(compared_pool)
    done = sweep(store, trials=5)
    [run] = runs(store, "sweep")
    before = content(store, "trials")
    # As after a kill between MLflow and the store.
    execute(store, "delete from trials where trial >= 2")
    Tracker(store).client.update_run(run.info.run_id, status="RUNNING")
    again = sweep(store, trials=6)
    assert again.study == done.study
    assert same_everywhere(store, again) == 6
    assert before <= content(store, "trials")
    assert again.trials == 6


def test_ctrl_c_leaves_whole_trials_and_the_next_start_goes_on(compared_pool, fresh):
    store = fresh(compared_pool)

    def press_when_under_way():
        deadline = time.monotonic() + 60
        studies = study_storage(store).removeprefix("sqlite:///")
        while time.monotonic() < deadline:
            with suppress(sqlite3.Error), closing(sqlite3.connect(studies)) as db:
                if db.execute("select count(*) from trials").fetchone()[0] >= 3:
                    break
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press_when_under_way)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        sweep(store, trials=3000)
    presser.join()
    [run] = runs(store, "sweep")
    assert run.info.status == "KILLED"
    there = one(store, "select count(*) from trials")
    assert 3 <= there < 3000
    done = sweep(store, trials=there + 2)
    assert same_everywhere(store, done) == done.trials == there + 2
    assert [r.info.run_id for r in runs(store, "sweep")] == [run.info.run_id]


def test_no_encoder_is_needed(compared_pool, fresh):
    store = fresh(compared_pool)
    shutil.rmtree(store.parent / "mlflow-artifacts")
    assert sweep(store, trials=2).trials == 2
    code = "import sys, workbench.sweeps.sweep; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_same_seed_finds_the_same(compared_pool, fresh):
    first, again = (
        sweep(fresh(compared_pool, name), trials=6, seed=1) for name in ("first", "again")
    )
    assert [t.params for t in trials_of(first)] == [t.params for t in trials_of(again)]
    assert first.settings == again.settings
    other = sweep(fresh(compared_pool, "other"), trials=6, seed=2)
    assert [t.params for t in trials_of(first)] != [t.params for t in trials_of(other)]


def test_only_what_is_to_be_searched_is_searched(compared_pool, fresh):
    store = fresh(compared_pool)
    options = {"schemes": ["borda"], "orders": ["left"], "schedules": ["all"], "top_k": [2]}
    options["report_on"] = None
    mean = sweep(store, trials=2, **options)
    best = sweep(store, trials=2, objective="best", **options)
    for done in (mean, best):
        assert {s for (s,) in [(t.params["scheme"],) for t in trials_of(done)]} == {"borda"}
        assert {t.values[1] for t in trials_of(done)} == {66.0}
        assert [(s.top_k, s.test) for s in done.settings] == [(2, None)]
    assert best.settings[0].validation > mean.settings[0].validation
    assert mean.study != best.study
    assert one(store, "select count(*) from results") == 0


def test_options_that_cannot_work_are_refused_before_a_run_begins(compared_pool, fresh):
    store = fresh(compared_pool)
    for options, error, told in (
        ({"schemes": ["copland"]}, UnknownName, "Did you mean 'copeland'"),
        ({"orders": ["bath"]}, UnknownName, "Did you mean 'both'"),
        ({"top_k": [0]}, BadValue, "top_k"),
        ({"trials": 0}, BadValue, "trials"),
        ({"measure": "rougel@1"}, UnknownName, "Did you mean 'rougeL@1'"),
        ({"datasets": ["simulate"]}, UnknownName, "Did you mean 'simulated'"),
        ({"ranker": "x"}, UnknownName, "unknown ranker 'x'"),
        ({"split": "train"}, MissingInput, "compare --splits train"),
    ):
        with pytest.raises(error, match=told):
            sweep(store, **options)
    assert runs(store, "sweep") == []


def test_several_measures_ask_for_a_choice(compared_pool, fresh):
    store = fresh(compared_pool)
    execute(store, "insert into qualities select candidate_id, 'other', 1 - value from qualities")
    with pytest.raises(BadValue, match="one of other, rougeL@1"):
        sweep(store, trials=1)
    assert np.isfinite(sweep(store, measure="other", trials=1).settings[0].validation)
