"""The runs that Overview shows, by row and by URL."""

import pyarrow as pa
import pytest

from dashboards import runs
from dashboards.page.latest_runs import _take_choice
from dashboards.reading import STORE, open_store
from workbench.store.store import Store
from workbench.tracking import Tracker


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def tracked_once(tmp_path_factory):
    """A store whose MLflow holds a run that went well, one that failed, and a sweep's trials."""
    path = tmp_path_factory.mktemp("tracked") / "tracked.duckdb"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        Store.create(path)
        tracker = Tracker(path)
        with tracker.run("ingest", {"path": "<b>a</b>"}, "data") as ingest:
            ingest.log_metrics({"rows": 3})
        with tracker.run("sweep", {"n": 1}, "data") as sweep:
            children = [
                tracker.add_child(sweep, f"trial {n}", "FINISHED", {"k": n}, {"q": n})
                for n in range(6)
            ]
        with pytest.raises(ValueError), tracker.run("train", {"lr": 1}, "data"):
            raise ValueError("<script>no</script> *data*")
    return path, ingest.id, sweep.id, children[0]


@pytest.fixture
def tracked(tracked_once, monkeypatch):
    monkeypatch.setenv(STORE, str(tracked_once[0]))
    open_store()
    return tracked_once


def test_trials_do_not_crowd_out_runs(tracked):
    found = runs.latest_runs(5)
    assert [run["stage"] for run in found] == ["train", "sweep", "ingest"]
    assert [run["status"] for run in found] == ["FAILED", "FINISHED", "FINISHED"]
    _, _, sweep, child = tracked
    assert runs.run_told(child)["parent"] == sweep
    assert runs.run_told("0" * 32) is None


def test_a_run_is_shown_by_the_url(page, tracked):
    path, ingest, sweep, child = tracked
    app = page("overview", path, run=ingest)
    assert not app.exception
    # Who comes for a run sees it first.
    assert app.subheader[0].value == "Latest runs"
    tables = [frame.value for frame in app.dataframe]
    assert any("<b>a</b>" in frame.get("value", pa.array([])).tolist() for frame in tables
               if "value" in frame)  # fmt: skip
    assert any("mlflow ui --backend-store-uri sqlite:" in code.value for code in app.code)
    assert any(ingest in code.value for code in app.code)
    assert any("1 of these runs failed" in warning.value for warning in app.warning)
    app = page("overview", path, run=child)
    assert any(f"./?run={sweep}" in text.value for text in app.markdown)


def test_why_a_run_failed_is_text(page, tracked):
    path, *_ = tracked
    app = page("overview", path, run=runs.latest_runs(1)[0]["run"])
    assert not app.exception
    assert any(code.value == "ValueError: <script>no</script> *data*" for code in app.code)


@pytest.mark.parametrize("run", ["0" * 32, "../../etc/passwd", "' or 1=1 --", "<b>"])
def test_an_unknown_run_is_told(page, tracked, run):
    app = page("overview", tracked[0], run=run)
    assert not app.exception
    assert any("does not know this run" in info.value for info in app.info)


def test_a_chosen_row_goes_into_the_url(tracked, monkeypatch):
    import streamlit as st

    query, state = {}, {"table": {"selection": {"rows": [1]}}}
    monkeypatch.setattr(st, "query_params", query)
    monkeypatch.setattr(st, "session_state", state)
    # Another run may have come since the table was shown: what was shown counts.
    shown = [tracked[2], tracked[1]]
    _take_choice(shown, "table")
    assert query == {"run": tracked[1]}
    state["table"]["selection"]["rows"] = []
    _take_choice(shown, "table")
    assert query == {}
