import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from filelock import FileLock

from workbench.errors import TrackingError
from workbench.tracking import Tracker
from workbench.tracking.connection import connected_to_see, shown
from workbench.tracking.places import tables_lock


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


def test_who_only_looks_makes_no_tables(tmp_path):
    assert connected_to_see(tmp_path / "store.duckdb") is None
    assert list(tmp_path.iterdir()) == []


def test_who_only_looks_waits_while_tables_are_made(new_store):
    Tracker(new_store)
    assert connected_to_see(new_store).search_experiments()
    held, refused = FileLock(tables_lock(new_store)), pytest.raises(TrackingError, match="still")
    with held, refused:
        connected_to_see(new_store, patience_s=0.1)
    assert connected_to_see(new_store).search_experiments()


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
