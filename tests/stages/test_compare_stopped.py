"""A comparison that is stopped leaves whole rows, and goes on with those that are missing."""

import signal

from processes import installed, wait_until, workbench
from store_contract import breaches
from tiny_pipeline import execute, one, runs

from workbench.stages.compare import compare

ALL = "select count(*) from comparisons"


def test_ctrl_c_then_kill_then_the_rest(compared_pool, fresh):
    store = fresh(compared_pool)
    total = one(store, "select count(*) * 12 * 11 from prompts")
    execute(store, "delete from comparisons")
    # A budget of one pair a batch is slow enough to be met in the middle.
    words = ("compare", "--splits=train,validation,test", "--tokens_per_batch=64", "--store", store)

    process = installed(*words)
    wait_until(lambda: one(store, ALL) > 0, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert f"goes on where this one stopped:\n  workbench {' '.join(map(str, words))}" in told
    assert "Traceback" not in told
    first = one(store, ALL)
    assert 0 < first < total
    assert breaches(store) == []
    [run] = [r for r in runs(store, "compare") if r.info.status == "KILLED"]

    process = workbench(*words)
    wait_until(lambda: one(store, ALL) > first, process)
    process.kill()
    process.communicate()
    second = one(store, ALL)
    assert first < second < total
    assert breaches(store) == []

    done = compare(store, splits=["train", "validation", "test"])
    assert (done.new, done.there) == (total - second, second)
    assert one(store, ALL) == total
    assert breaches(store) == []
    [again] = [r for r in runs(store, "compare") if r.info.run_id == run.info.run_id]
    assert again.info.status == "FINISHED"
