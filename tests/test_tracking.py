import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric, _validate_param

from workbench.errors import StoreBusy, TrackingError, UnknownName, WorkbenchError
from workbench.tracking import ERROR, Tracker, run_key, tracking_uri
from workbench.tracking.connection import shown
from workbench.tracking.names import plain_name, plain_names


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
    with pytest.raises(UnknownName, match=run.id):
        tracker.resolve("zzz", "train")
    with pytest.raises(WorkbenchError, match="no artifact 'model'"):
        tracker.artifact(run.id, "model")


def test_children_are_found(tracker):
    with tracker.run("sweep", {}, "d") as parent:
        with tracker.run("trial", {"n": 1}, "d", parent=parent.id) as child:
            pass
        assert tracker.children(parent.id) == {"trial": child.id}


AWKWARD = st.text(st.sampled_from("ab/.@_ é\n\\\ud800"), max_size=12) | st.text(max_size=400)


@settings(max_examples=200, deadline=None)
@given(names=st.lists(AWKWARD | AWKWARD.map(lambda s: s * 40), unique=True))
def test_mlflow_takes_every_plain_name_and_distinct_ones_stay_distinct(names):
    plain = plain_names(names)
    assert list(plain) == names
    assert len(set(plain.values())) == len(names)
    for name in plain.values():
        _validate_metric(name, 1.0, 0, 0)
        _validate_param(name, "x")


def test_names_that_mlflow_takes_stay_as_they_are():
    for name in ("data/test/rougeL: 1.0/llm a-b", "x" * 250, "a/.b"):
        assert plain_name(name) == name
    assert plain_names(["m@1", "m[1"]).keys() == {"m@1", "m[1"}
    assert plain_names(["m@1"]) == {"m@1": "m_1"}
    assert plain_names(["m@1", "m_1"])["m_1"] == "m_1"


def test_awkward_names_are_logged(tracker):
    names = ["a//b", "/a", "a/", "../a", "a/./b", "a@b", "a#b", ""]
    with tracker.run("names", {"a//b": 1, "..": {"c": 2}}, "d") as run:
        run.log_metrics({name: float(i) for i, name in enumerate(names)})
    logged = tracker.client.get_run(run.id).data
    assert sorted(logged.metrics.values()) == list(range(8))
    assert sorted(logged.params.values()) == ["1", "2"]


@pytest.mark.parametrize(
    "uri", ["foo://", "foo://place", "./mlr", "http://127.0.0.1:9", "sqlite:////proc/no/x.db", "["]
)
def test_a_tracking_store_that_cannot_be_used_is_named(tmp_path, monkeypatch, uri):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    before = dict(os.environ)
    with pytest.raises(TrackingError) as told:
        Tracker(tmp_path / "store.duckdb")
    assert f"answers at {uri}:" in str(told.value)
    assert dict(os.environ) == before


class _Failing(BaseHTTPRequestHandler):
    """A server that is not well; it counts how often it is asked."""

    asked = 0

    def do_GET(self):
        type(self).asked += 1
        self.send_error(503)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def failing_server():
    _Failing.asked = 0
    server = HTTPServer(("127.0.0.1", 0), _Failing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("retries", [None, "0", "3"])
def test_a_server_that_fails_is_asked_twice_or_as_often_as_the_user_says(
    tmp_path, monkeypatch, failing_server, retries
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", failing_server)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    if retries:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", retries)
    with pytest.raises(TrackingError, match=failing_server):
        Tracker(tmp_path / "store.duckdb")
    assert _Failing.asked == 1 + int(retries or 1)


def test_no_password_is_shown(tmp_path, monkeypatch):
    assert shown("postgresql://me:s3:cret@host/db") == "postgresql://me:***@host/db"
    assert shown("at http://host:5000/a@b") == "at http://host:5000/a@b"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@127.0.0.1:9")
    with pytest.raises(TrackingError, match="me:") as told:
        Tracker(tmp_path / "store.duckdb")
    assert "s3cret" not in str(told.value)
