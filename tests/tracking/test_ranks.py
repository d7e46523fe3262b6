"""A training in several processes: the first leads its run, the others join it."""

import os
import subprocess
import sys

import pytest

from workbench.errors import StoreBusy, TrackingError
from workbench.tracking import Tracker

JOIN = """
import sys
from pathlib import Path
from workbench.tracking import Tracker
tracker = Tracker(Path(sys.argv[1]))
with tracker.run("train", {"devices": 2}, "d") as run:
    run.log_metrics({"loss": 2.0})
    run.log_params({"more": 1})
    run.log_text("hello", "note.txt")
    print(run.id, run.leads, run.finished)
    raise ValueError("boom")
"""


def joined(store, **environment):
    return subprocess.run(
        [sys.executable, "-c", JOIN, str(store)],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_other_processes_join_the_run_that_is_held_and_change_nothing(folder, monkeypatch):
    tracker = Tracker(folder / "store.duckdb")
    with tracker.run("train", {"devices": 2}, "d") as run:
        run.log_metrics({"loss": 1.0})
        before = tracker.client.get_run(run.id).to_dictionary()
        done = joined(tracker.store, LOCAL_RANK="1")
        assert done.stdout.split() == [run.id, "False", "False"], done.stderr
        assert "boom" in done.stderr
        assert tracker.client.get_run(run.id).to_dictionary() == before
        # The first process has rank 0, and takes the lock as any other.
        monkeypatch.setenv("LOCAL_RANK", "0")
        with pytest.raises(StoreBusy):
            tracker.run("train", {"devices": 2}, "d").__enter__()
        [only] = tracker._search("tags.`workbench.stage` = 'train'")
        assert only.info.run_id == run.id


def test_a_run_that_nobody_leads_is_not_waited_for_without_end(folder, monkeypatch):
    tracker = Tracker(folder / "store.duckdb")
    monkeypatch.setattr("workbench.tracking.tracker._JOIN_S", 0.1)
    monkeypatch.setenv("RANK", "3")
    with pytest.raises(TrackingError, match="has begun no train"):
        tracker.run("train", {}, "d").__enter__()
    assert tracker._search("tags.`workbench.stage` != ''") == []
