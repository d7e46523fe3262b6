"""Several processes on one file: nothing lost, nothing doubled, no reader fails."""

import os
import signal
import subprocess
import sys
import time

from workbench.store.store import Store

WRITER = """
import sys, pyarrow as pa
from workbench.store.store import Store
store, name = Store(sys.argv[1]), sys.argv[2]
for step in range(8):
    # Every writer also writes the rows that all share, so that keys collide.
    ids = [f"{name}-{step}-{i}" for i in range(50)] + [f"shared-{step}-{i}" for i in range(50)]
    store.insert("qualities", pa.table(
        {"candidate_id": ids, "measure": ["m"] * 100, "value": [1.0] * 100}))
"""
READER = """
import sys, time
from pathlib import Path
from workbench.store.store import Store
store, stop, seen = Store(sys.argv[1]), Path(sys.argv[2]), 0
while not stop.exists():
    n, keys = store.query("select count(*) n, count(distinct candidate_id) k from qualities")
    assert n[0].as_py() == keys[0].as_py() and n[0].as_py() >= seen
    seen = n[0].as_py()
    time.sleep(0.02)  # without it the readers take what the writers need
print(seen)
"""
ENDLESS = """
import sys, pyarrow as pa
from workbench.store.store import Store
store, step = Store(sys.argv[1]), 0
while True:
    ids = [f"{step}-{i}" for i in range(1000)]
    store.insert("qualities", pa.table(
        {"candidate_id": ids, "measure": ["m"] * 1000, "value": [1.0] * 1000}))
    step += 1
    print(step, flush=True)
"""


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def test_three_writers_and_two_readers_at_once(tmp_path):
    store, stop = Store.create(tmp_path / "store.duckdb"), tmp_path / "stop"
    readers = [start(READER, store.path, stop) for _ in range(2)]
    writers = [start(WRITER, store.path, name) for name in "abc"]
    assert [w.wait(timeout=120) for w in writers] == [0, 0, 0]
    stop.touch()
    assert [r.wait(timeout=60) for r in readers] == [0, 0]
    rows = store.query("select candidate_id from qualities")["candidate_id"].to_pylist()
    assert len(rows) == len(set(rows)) == 8 * 50 * (3 + 1)


def test_kill_in_the_middle_of_writing_leaves_whole_transactions(tmp_path):
    store = Store.create(tmp_path / "store.duckdb")
    announced = 0
    for pause in (0.05, 0.12, 0.31):
        writer = start(ENDLESS, store.path)
        for _ in range(2):
            announced = max(announced, int(writer.stdout.readline()))
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        steps = store.query(
            "select split_part(candidate_id, '-', 1)::int s, count(*) n, "
            "count(distinct candidate_id) k from qualities group by s order by s"
        ).to_pylist()
        assert [(r["n"], r["k"]) for r in steps] == [(1000, 1000)] * len(steps)
        assert [r["s"] for r in steps] == list(range(len(steps)))
        assert len(steps) >= announced
