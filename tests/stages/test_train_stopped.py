"""A training that is stopped goes on from its last checkpoint, as the same run."""

import signal

import yaml
from processes import wait_until, workbench
from tiny_pipeline import runs

from workbench.cli import main

EPOCHS = 14
EXPERIMENT = {
    "stages": {
        "train": {
            "model": {
                "class_path": "workbench.ranking.pair_ranker.PairRanker",
                "init_args": {
                    "encoder": {"hidden_size": 16, "layers": 1, "heads": 2, "vocab_size": 200},
                    "measures": ["rougeL@1"],
                    "source_maxlength": 16,
                    "candidate_maxlength": 16,
                },
            },
            "data": {
                "class_path": "workbench.ranking.data.PairData",
                "init_args": {
                    "measures": ["rougeL@1"],
                    "max_validation_prompts": 4,
                    "pairs_per_prompt": 1,
                },
            },
            "trainer": {"max_epochs": EPOCHS, "accelerator": "cpu"},
            "patience": None,
        }
    }
}


def test_ctrl_c_then_kill_then_the_rest(measured_pool, fresh, tmp_path, capsys):
    store = fresh(measured_pool)
    file = tmp_path / "train.yaml"
    file.write_text(yaml.safe_dump(EXPERIMENT), "utf-8")
    words = ("run", file, "--store", store)

    def last():
        found = list(store.with_suffix(".work").glob("train-*/last.ckpt"))
        return found[0].stat().st_mtime_ns if found else 0

    process = workbench(*words)
    wait_until(last, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert f"workbench run {file} --store {store}" in told
    assert "Traceback" not in told
    [stopped] = runs(store, "train")
    assert stopped.info.status == "KILLED"

    before = last()
    process = workbench(*words)
    wait_until(lambda: last() > before, process)
    process.kill()
    process.communicate()
    [killed] = runs(store, "train")
    assert (killed.info.run_id, killed.info.status) == (stopped.info.run_id, "RUNNING")

    assert main(list(map(str, words))) == 0
    assert "going on from" in capsys.readouterr().err
    [done] = runs(store, "train")
    assert (done.info.run_id, done.info.status) == (stopped.info.run_id, "FINISHED")
    assert done.data.metrics["epoch"] == EPOCHS - 1
    assert not last()
