"""A tuning that is stopped goes on where it was, and ends as one that never was; the CLI."""

import os
import shutil
import signal
import sqlite3
from contextlib import closing, suppress
from itertools import count

import optuna
import pytest
from processes import wait_until, workbench
from store_contract import breaches
from tiny_fuser import write_t5
from tiny_pipeline import one, rows, runs

from workbench.cli import main
from workbench.fusion.gen_fuser import GenFuser
from workbench.sweeps.decoding_space import DecodingSpace
from workbench.sweeps.tune import tune

MADE = "select count(*) from fusions"
TRIALS = "select count(*) from trials"


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return write_t5(tmp_path_factory.mktemp("t5") / "tiny")


def drawn(done):
    study = optuna.load_study(study_name=done.study, storage=done.storage)
    return [(t.params, t.values) for t in study.trials]


def in_the_study(store):
    """Trials in Optuna's own file: whoever asks the store so often keeps its writers waiting."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(store.with_name("optuna.db"))) as db:
        return db.execute("select count(*) from trials").fetchone()[0]
    return 0


def pressing(monkeypatch, call):
    """Ctrl-C after the first answers of this call of a fuser, counted from 1."""
    calls, fused = count(1), GenFuser.fuse

    def fuse(self, *texts, **options):
        press = next(calls) == call
        for made in fused(self, *texts, **options):
            if press:
                os.kill(os.getpid(), signal.SIGINT)
            yield made

    monkeypatch.setattr(GenFuser, "fuse", fuse)


def test_ctrl_c_then_kill_then_the_rest_is_as_if_never_stopped(
    compared_pool, fresh, t5, monkeypatch
):
    store, other = fresh(compared_pool), fresh(compared_pool, "other")
    # A budget of one prompt a batch: there is something to interrupt between.
    options = {"prompts": 5, "top_k": [2, 3], "orders": ["rank", "reversed"]}
    options |= {"trials": 6, "tokens_per_batch": 1}
    decoding = DecodingSpace(kinds=["greedy", "sample"], max_new_tokens=[6, 8])

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        pressing(patch, call=2)
        tune(store, t5, decoding=decoding, **options)
    assert one(store, TRIALS) == 1
    assert one(store, MADE) == 5 + 1  # of the second trial what was made when it was pressed
    [run] = runs(store, "tune")
    assert run.info.status == "KILLED"
    assert breaches(store) == []

    process = workbench(
        "tune", "--store", store, "--fuser", t5, "--trials=6", "--prompts=5", "--top_k=2,3",
        "--orders=rank,reversed", "--decoding.kinds=greedy,sample",
        "--decoding.max_new_tokens", "6,8", "--tokens_per_batch=1",
    )  # fmt: skip
    wait_until(lambda: in_the_study(store) > 2, process)
    process.kill()
    process.communicate()
    assert 1 < one(store, TRIALS) < 6
    assert breaches(store) == []

    before = rows(store, "select fusion_id, text, latency_s from fusions")
    done = tune(store, t5, decoding=decoding, **options)
    assert done.trials == one(store, TRIALS) == len(runs(store, "tune-trial")) == 6
    assert set(before) <= set(rows(store, "select fusion_id, text, latency_s from fusions"))
    [again] = runs(store, "tune")
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
    assert breaches(store) == []

    never = tune(other, t5, decoding=decoding, **options)
    assert drawn(never) == drawn(done)
    # No trial was left half done for another: no fusion stands in the store that none needed.
    assert one(other, MADE) == one(store, MADE)


def test_as_a_user_calls_it(compared_pool, fresh, t5, capsys):
    store = fresh(compared_pool)
    words = [
        "tune", "--store", str(store), "--fuser", t5, "--trials=2", "--prompts=2",
        "--decoding.max_new_tokens=2", "--decoding.kinds=beam", "--decoding.beams=2",
        "--top_k=1,2", "--report-on=test",
    ]  # fmt: skip
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "2 trials" in told
    assert "The same settings on test" in told
    assert "The ranker's pick, without fusing: 0." in " ".join(told.split())
    assert "optuna-dashboard sqlite:///" in told
    assert {k for (k,) in rows(store, "select distinct top_k from fusions")} <= {1, 2}
    for extra, error in (
        ("--decoding.kinds=beem", "beem"),
        ("--decoding.beams=1", "decoding.beams = 1: expected a value that makes it 'beam'"),
        ("--decoding.bems=2", "Did you mean"),
        ("--top_k=many", "many"),
        ("--report_on=train", "train"),
    ):
        assert main([*words[:5], extra]) == 2
        assert error in capsys.readouterr().err


def test_a_stage_of_an_experiment_takes_the_ranker_and_the_fuser_of_its_file(
    compared_pool, fresh, t5, tmp_path, capsys
):
    store = fresh(compared_pool)
    shutil.copytree(t5, tmp_path / "fuser")
    file = tmp_path / "file.yaml"
    file.write_text(
        f"store: {store}\n"
        "stages:\n"
        f"  fuse: {{fuser: {tmp_path}/fuser, top_k: 1, splits: [validation], "
        "decoding: {beams: 1, max_new_tokens: 2}}\n"
        f"  tune: {{fuser: {tmp_path}/fuser, trials: 1, top_k: [1], "
        "decoding: {kinds: [greedy], max_new_tokens: [2]}}\n"
    )
    assert main(["run", str(file)]) == 0
    assert "1 trials" in capsys.readouterr().out
    assert one(store, MADE) == one(store, "select count(*) from prompts where split = 'validation'")
