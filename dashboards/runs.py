"""The MLflow runs behind a store's numbers, read where they lie beside the store or on a server."""

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import streamlit as st

from dashboards.plain import plain
from dashboards.reading import store_path
from workbench.errors import TrackingError
from workbench.tracking.connection import connected, shown
from workbench.tracking.places import tracking_uri
from workbench.tracking.run import STAGE

_SQLITE = "sqlite:///"


def where() -> str:
    """The tracking URI, without a password."""
    return shown(tracking_uri(store_path()))


def latest_runs(most: int = 50) -> list[dict[str, Any]]:
    """The newest runs of this store's tracking, children left out: id, stage, start, status.

    Empty where no tracking store is there or none answers; looking never makes one.
    """
    return _runs(most, tracking_uri(store_path()), _seen())


def run_told(run: str) -> dict[str, Any] | None:
    """Stage, status, times, parameters and metrics of a run; None where it is not known."""
    return _run(run, tracking_uri(store_path()), _seen())


def link_to_run(run: str) -> None:
    """A link to what the page Overview tells of a run."""
    found = run_told(run)
    label = f"run {run[:8]}" + (f" ({found['stage']}, {found['started']})" if found else "")
    st.markdown(f"[{plain(label)}](overview?run={quote(run, safe='')})")


def _seen() -> float:
    """What changes when a run is written; 0 for a server, which is asked again after a while."""
    uri = tracking_uri(store_path())
    file = Path(uri.removeprefix(_SQLITE))
    return file.stat().st_mtime if uri.startswith(_SQLITE) and file.is_file() else 0.0


@st.cache_data(max_entries=20, ttl=60, show_spinner=False)
def _runs(most: int, uri: str, seen: float) -> list[dict[str, Any]]:
    client = _client(uri, seen)
    if client is None:
        return []
    experiments = [e.experiment_id for e in client.search_experiments()]
    found = client.search_runs(
        experiments, max_results=4 * most, order_by=["attributes.start_time DESC"]
    )
    return [_told(run) for run in found if "mlflow.parentRunId" not in run.data.tags][:most]


@st.cache_data(max_entries=200, ttl=60, show_spinner=False)
def _run(run: str, uri: str, seen: float) -> dict[str, Any] | None:
    client = _client(uri, seen)
    if client is None:
        return None
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_run(run)
    except MlflowException:  # a model that was not trained here has a hash for an id
        return None
    return _told(found) | {"parameters": found.data.params, "metrics": found.data.metrics}


def _client(uri: str, seen: float) -> Any:
    if uri.startswith(_SQLITE) and not seen:
        return None
    try:
        return connected(uri)
    except TrackingError:
        return None


def _told(run: Any) -> dict[str, Any]:
    took = (run.info.end_time or run.info.start_time) - run.info.start_time
    return {
        "run": run.info.run_id,
        "stage": run.data.tags.get(STAGE, ""),
        "started": datetime.fromtimestamp(run.info.start_time / 1000).strftime("%Y-%m-%d %H:%M"),
        "seconds": took / 1000,
        "status": run.info.status,
    }
