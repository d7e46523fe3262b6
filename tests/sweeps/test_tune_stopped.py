"""A tuning that is stopped goes on where it was, and ends as one that never was; the CLI."""

import shutil
import signal

import optuna
import pytest
from store_contract import breaches
from tiny_fuser import write_t5
from tiny_pipeline import one, rows, runs, wait_until, workbench

from workbench.cli import main
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


def test_ctrl_c_then_kill_then_the_rest_is_as_if_never_stopped(compared_pool, fresh, t5):
    store, other = fresh(compared_pool), fresh(compared_pool, "other")
    options = {"trials": 6, "prompts": 6, "top_k": [2, 3], "orders": ["rank", "reversed"]}
    decoding = {"kinds": ["greedy", "sample"], "max_new_tokens": [12, 16]}
    # A budget of one prompt a batch is slow enough to be met in between.
    words = (
        "tune", "--store", store, "--fuser", t5, "--trials=6", "--prompts=6", "--top_k=2,3",
        "--orders=rank,reversed", "--decoding.kinds=greedy,sample",
        "--decoding.max_new_tokens", "12,16", "--tokens_per_batch=1",
    )  # fmt: skip

    process = workbench(*words)
    wait_until(lambda: one(store, MADE) > 0, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "goes on where this one stopped" in told
    assert "Traceback" not in told
    assert breaches(store) == []
    first = one(store, TRIALS)
    assert first < 6
    [run] = runs(store, "tune")
    assert run.info.status == "KILLED"

    process = workbench(*words)
    wait_until(lambda: one(store, TRIALS) > first, process)
    process.kill()
    process.communicate()
    assert first < one(store, TRIALS) < 6
    before = rows(store, "select fusion_id, text, latency_s from fusions")
    assert breaches(store) == []

    done = tune(store, t5, decoding=DecodingSpace(**decoding), **options)
    assert done.trials == one(store, TRIALS) == len(runs(store, "tune-trial")) == 6
    assert set(before) <= set(rows(store, "select fusion_id, text, latency_s from fusions"))
    [again] = runs(store, "tune")
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
    assert breaches(store) == []

    never = tune(other, t5, decoding=DecodingSpace(**decoding), **options)
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
    assert "minus pick, test" in told
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
