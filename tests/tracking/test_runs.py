import re
from pathlib import Path

import pytest

from workbench.errors import AmbiguousName, StoreBusy, UnknownName, WorkbenchError
from workbench.tracking import ERROR, Tracker, run_key, tracking_uri


@pytest.fixture(scope="module")
def tracker(tmp_path_factory):
    return Tracker(tmp_path_factory.mktemp("tracking") / "store.duckdb")


def status(tracker, run):
    return tracker.client.get_run(run.id).info.status


def test_default_store_and_artifacts_lie_beside_the_store(tracker, monkeypatch):
    folder = tracker.store.parent
    assert (folder / "mlflow.db").is_file()
    with tracker.run("stage", {"a": {"b": 1}}, "data", seed=3) as run:
        run.log_text("hello", "note.txt")
        run.log_metrics({"quality[rougeL@1]": 0.5})
    assert (tracker.artifact(run.id, "note.txt")).read_text() == "hello"
    assert list(folder.glob("mlflow-artifacts/**/note.txt"))
    logged = tracker.client.get_run(run.id).data
    assert logged.params == {"a.b": "1"}
    assert logged.metrics == {"quality_rougeL_1_": 0.5}
    assert logged.tags["workbench.seed"] == "3"
    assert logged.tags["workbench.data"] == "data"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5")
    assert tracking_uri(Path("x")) == "http://127.0.0.1:5"


def test_same_key_goes_on_with_the_same_run(tracker):
    with tracker.run("again", {"x": 1}, "d") as first:
        assert not first.finished
    with tracker.run("again", {"x": 1}, "d") as second:
        assert second.finished
        assert second.id == first.id
    with tracker.run("again", {"x": 2}, "d") as other, tracker.run("again", {"x": 1}, "e") as third:
        assert len({first.id, other.id, third.id}) == 3
    assert run_key("s", {"a": 1, "b": 2}, "d") == run_key("s", {"b": 2, "a": 1}, "d")


@pytest.mark.parametrize(
    ("error", "ended"), [(ValueError("boom"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_failed_run_is_marked_and_can_be_resumed(tracker, error, ended):
    config = {"ended": ended}
    with pytest.raises(type(error)), tracker.run("fails", config, "d") as run:
        raise error
    assert status(tracker, run) == ended
    assert type(error).__name__ in tracker.client.get_run(run.id).data.tags[ERROR]
    with tracker.run("fails", config, "d") as again:
        assert again.resumed
        assert again.id == run.id
        assert status(tracker, run) == "RUNNING"
    assert status(tracker, run) == "FINISHED"
    assert ERROR not in tracker.client.get_run(run.id).data.tags


def test_the_same_run_twice_at_once_is_refused(tracker):
    second = Tracker(tracker.store)
    with tracker.run("lock", {}, "d"), pytest.raises(StoreBusy, match="another process"):
        second.run("lock", {}, "d").__enter__()


def test_runs_are_found_by_the_beginning_of_their_id(tracker):
    with tracker.run("train", {"find": 1}, "d") as run:
        pass
    assert tracker.resolve(run.id[:12], "train") == run.id
    with pytest.raises(WorkbenchError, match="no artifact 'model'"):
        tracker.artifact(run.id, "model")


def test_a_beginning_of_several_runs_is_ambiguous_and_tells_them(tracker):
    with tracker.run("measure", {}, "d") as first, tracker.run("compare", {}, "d") as second:
        pass
    with pytest.raises(AmbiguousName, match="ambiguous run ''") as told:
        tracker.resolve("")
    for run in (first, second):
        assert re.search(rf"{run.id} \({run.stage}, \d{{4}}-\d\d-\d\d \d\d:\d\d\)", str(told.value))
    assert tracker.resolve("", "compare") == second.id


def test_an_unknown_run_tells_a_few_of_the_wanted_stage_and_no_trials(folder):
    tracker = Tracker(folder / "store.duckdb")
    ids = []
    for i in range(8):
        with tracker.run("sweep", {"i": i}, "d") as run:
            ids.append(run.id)
            trial = tracker.add_child(run, "trial 0", "FINISHED", {"a": 1}, {"b": 2.0})
    with tracker.run("train", {}, "d") as other:
        pass
    wrong = ids[0][:6] + "z"
    with pytest.raises(UnknownName, match=rf"unknown sweep run '{wrong}'.* and 3 more") as told:
        tracker.resolve(wrong, "sweep")
    assert ids[0] in str(told.value)
    assert other.id not in str(told.value)
    with pytest.raises(UnknownName, match="and 4 more") as told:
        tracker.resolve("zzz")
    assert other.id in str(told.value)
    assert trial not in str(told.value)
    assert tracker.resolve(trial) == trial


def test_each_later_start_tells_its_code(tracker, monkeypatch):
    for commit in ("first", "second", "third"):
        monkeypatch.setattr("workbench.tracking.tracker.code_version_text", lambda c=commit: c)
        with pytest.raises(ValueError, match="boom"), tracker.run("resumed", {}, "d") as run:
            raise ValueError("boom")
    tags = tracker.client.get_run(run.id).data.tags
    told = {name: value for name, value in tags.items() if name.startswith("workbench.resumed")}
    assert told == {"workbench.resumed.1": "second", "workbench.resumed.2": "third"}


def test_children_are_found(tracker):
    with tracker.run("sweep", {}, "d") as parent:
        with tracker.run("trial", {"n": 1}, "d", parent=parent.id) as child:
            pass
        assert tracker.children(parent.id) == {"trial": child.id}


def test_awkward_names_are_logged(tracker):
    names = ["a//b", "/a", "a/", "../a", "a/./b", "a@b", "a#b", ""]
    with tracker.run("names", {"a//b": 1, "..": {"c": 2}}, "d") as run:
        run.log_metrics({name: float(i) for i, name in enumerate(names)})
    logged = tracker.client.get_run(run.id).data
    assert sorted(logged.metrics.values()) == list(range(8))
    assert sorted(logged.params.values()) == ["1", "2"]
