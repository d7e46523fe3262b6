"""A fusing that is stopped leaves whole rows, and goes on with those that are missing."""

import signal

from processes import wait_until, workbench
from store_contract import breaches
from tiny_fuser import write_t5
from tiny_pipeline import one, rows, runs

from workbench.fusion.decoding import Decoding
from workbench.stages.fuse import fuse

ALL = "select count(*) from fusions"


def test_ctrl_c_then_kill_then_the_rest(compared_pool, fresh, tmp_path):
    store = fresh(compared_pool)
    t5 = write_t5(tmp_path / "tiny")
    asked = {"ranker": "random", "splits": ["train", "validation", "test"]}
    total = one(store, "select count(*) from prompts")
    # A budget of one prompt a batch, and answers this long, are slow enough to be met in between.
    decoding = {"beams": 1, "max_new_tokens": 12}
    words = (
        "fuse", "--store", store, "--fuser", t5, "--ranker=random",
        "--splits=train,validation,test", "--tokens_per_batch=1",
        *(f"--decoding.{name}={value}" for name, value in decoding.items()),
    )  # fmt: skip

    process = workbench(*words)
    wait_until(lambda: one(store, ALL) > 0, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "goes on where this one stopped" in told
    assert "Traceback" not in told
    first = one(store, ALL)
    assert 0 < first < total
    assert breaches(store) == []
    [run] = [r for r in runs(store, "fuse") if r.info.status == "KILLED"]

    process = workbench(*words)
    wait_until(lambda: one(store, ALL) > first, process)
    process.kill()
    process.communicate()
    second = one(store, ALL)
    assert first < second < total
    before = rows(store, "select fusion_id, text, latency_s from fusions")
    assert breaches(store) == []

    done = fuse(store, fuser=t5, decoding=Decoding(**decoding), **asked)
    assert (done.new, done.there) == (total - second, second)
    assert set(before) <= set(rows(store, "select fusion_id, text, latency_s from fusions"))
    assert one(store, ALL) == total
    assert breaches(store) == []
    [again] = runs(store, "fuse")
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
