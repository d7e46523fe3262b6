import shutil

import pytest

from workbench.errors import MissingInput, UnknownName
from workbench.stages.trainings import trained_ranker
from workbench.store.store import Store
from workbench.tracking import Tracker
from workbench.tracking.run import STORE


def trained(tracker):
    """A run with the same configuration and data in every store."""
    with tracker.run("train", {"lr": 1}, "same data") as run:
        return run


def test_stores_of_one_folder_have_runs_of_their_own(folder):
    first, second = (Tracker(Store.create(folder / f"{n}.duckdb").path) for n in "ab")
    assert first.uri == second.uri
    run = trained(first)
    assert trained_ranker(first, None) == run.id
    assert second.runs_of("train") == []
    assert second.find(run.key) is None
    with pytest.raises(MissingInput, match="no trained ranker"):
        trained_ranker(second, None)
    for wanted in (run.id, run.id[:8]):
        with pytest.raises(UnknownName, match="Valid: none"):
            second.resolve(wanted)
    own = trained(second)
    assert not own.finished
    assert own.id != run.id
    assert own.key != run.key
    assert trained(second).id == own.id
    assert trained_ranker(first, None) == run.id


def test_a_store_that_is_moved_keeps_its_runs_and_one_made_anew_has_none(folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    path = Store.create(folder / "here" / "a.duckdb").path
    run = trained(Tracker(path))
    moved = folder / "there.duckdb"
    shutil.move(path, moved)
    assert trained(Tracker(Store(moved).path)).finished
    assert Tracker(moved).resolve(run.id[:6]) == run.id
    assert Tracker(Store.create(path).path).runs_of("train") == []


def test_a_store_made_without_an_id_keeps_its_runs(folder):
    old = Store.create(folder / "old.duckdb")
    with old.writing() as db:
        db.execute("delete from meta where name = 'store_id'")
    tracker = Tracker(Store(old.path).path)
    run = trained(tracker)
    assert STORE not in tracker.client.get_run(run.id).data.tags
    assert trained(tracker).finished
    assert trained_ranker(tracker, None) == run.id
    new = Tracker(Store.create(folder / "new.duckdb").path)
    assert not trained(new).finished
    assert new.find(run.key) is None
    assert [found.info.run_id for found in tracker.runs_of("train")] == [run.id]


def test_trials_belong_to_the_store_of_their_sweep(folder):
    first, second = (Tracker(Store.create(folder / f"{n}.duckdb").path) for n in "ab")
    with first.run("sweep", {}, "d") as run:
        trial = first.add_child(run, "trial 0", "FINISHED", {"a": 1}, {"b": 2.0})
    assert first.resolve(trial[:10]) == trial
    with pytest.raises(UnknownName):
        second.resolve(trial)
