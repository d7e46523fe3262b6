"""Judging that is stopped has lost seconds of calls at most, and asks about no pair twice."""

import os
import signal

import pytest
from chat_server import Told, longer, serving
from judged_pool import endpoint, pool
from processes import wait_until, workbench
from store_contract import breaches
from tiny_pipeline import one, runs

from workbench.stages.judge import judge

ALL = "select count(*) from verdicts"
PROMPTS, PAIRS = 80, 80 * 6


def test_ctrl_c_then_kill_then_the_rest(new_store):
    store = pool(new_store, PROMPTS)

    def slowly(request):
        if len(server.asked) == 9 and not pressed:
            pressed.append(os.kill(os.getpid(), signal.SIGINT))
        return Told(longer(request), wait_s=0.05)

    pressed = []
    with serving(slowly) as server:
        with pytest.raises(KeyboardInterrupt):
            judge(store, endpoint(server.url, concurrency=2))
        first = one(store, ALL)
        # What was asked is written but for the calls under way.
        assert 0 < len(server.asked) - 2 <= first <= len(server.asked) < 20
        [run] = runs(store, "judge")
        assert run.info.status == "KILLED"
        assert run.data.metrics["verdicts"] == first

        written = store.stat().st_mtime_ns
        process = workbench(
            "judge", "--store", store, "--endpoint.model=judge-model",
            f"--endpoint.base_url={server.url}", "--endpoint.concurrency=2",
        )  # fmt: skip
        wait_until(lambda: store.stat().st_mtime_ns != written, process)  # as verdicts come
        wait_until(lambda: one(store, ALL) > first, process)
        process.kill()
        process.communicate()
        second = one(store, ALL)
        assert first < second < PAIRS
        assert breaches(store) == []

        server.rule, asked = longer, len(server.asked)
        done = judge(store, endpoint(server.url, concurrency=8))
    assert (done.there, done.new, done.left) == (second, PAIRS - second, 0)
    assert len(server.asked) - asked == PAIRS - second
    assert breaches(store) == []
    [again] = runs(store, "judge")
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
    assert again.data.metrics["calls"] >= run.data.metrics["calls"] + done.meter.calls
    assert again.data.metrics["verdicts"] == PAIRS
