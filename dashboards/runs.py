"""The MLflow runs behind a store's numbers, read where they lie beside the store or on a server."""

import shlex
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import streamlit as st

from dashboards.plain import plain
from dashboards.reading import store_path
from workbench.errors import TrackingError
from workbench.tracking.connection import connected_to_see, shown
from workbench.tracking.places import tracking_uri
from workbench.tracking.run import ERROR, KEY, STAGE, STORE
from workbench.tracking.stores import id_of_store

_SQLITE = "sqlite:///"
_PARENT = "mlflow.parentRunId"


def where() -> str:
    """The tracking URI, without a password."""
    return shown(tracking_uri(store_path()))


def mlflow_ui(run: dict[str, Any]) -> tuple[str, str]:
    """How to see a run in MLflow's own pages: the command that serves them, and the address.

    The command is empty where the tracking store is a server, which has these pages itself.
    """
    uri = where()
    page = f"/#/experiments/{run['experiment']}/runs/{run['run']}"
    if uri.startswith(("http://", "https://")):
        return "", uri.rstrip("/") + page
    command = f"mlflow ui --backend-store-uri {shlex.quote(uri)}"
    return command, f"http://127.0.0.1:5000{page}"


def latest_runs(most: int = 50) -> list[dict[str, Any]]:
    """The newest runs of this store, a sweep's trials left out: see `run_told` for what is told.

    Empty where no tracking store is there or none answers; looking never makes one.
    """
    store = id_of_store(store_path()) or ""
    return _runs(most, store, tracking_uri(store_path()), _seen())


def run_told(run: str) -> dict[str, Any] | None:
    """What is known of a run; None where it is not known.

    Its id as `run`, stage, started, seconds (None while it runs), status, error, parent (its id),
    name and experiment, parameters and metrics.
    """
    return _run(run, tracking_uri(store_path()), _seen())


def address(run: str) -> str:
    """Where Overview, the first page, tells of a run; seen from any page."""
    return f"./?run={quote(run, safe='')}"


def link_to_run(run: str) -> None:
    """A link to what the page Overview tells of a run."""
    found = run_told(run)
    label = f"run {run[:8]}" + (f" ({found['stage']}, {found['started']})" if found else "")
    st.markdown(f"[{plain(label)}]({address(run)})")


def _seen() -> float:
    """What changes when a run is written; 0 for a server, which is asked again after a while."""
    uri = tracking_uri(store_path())
    file = Path(uri.removeprefix(_SQLITE))
    return file.stat().st_mtime if uri.startswith(_SQLITE) and file.is_file() else 0.0


# `uri` and `seen` tell answers apart that are kept.
@st.cache_data(max_entries=20, ttl=60, show_spinner="Asking MLflow …")
def _runs(most: int, store: str, uri: str, seen: float) -> list[dict[str, Any]]:
    client = _client()
    if client is None:
        return []
    experiments = [e.experiment_id for e in client.search_experiments()]
    # Trials have no key; there may be thousands of them.
    condition = f"tags.`{KEY}` != ''"
    if store.isalnum():
        condition += f" and tags.`{STORE}` = '{store}'"
    order = ["attributes.start_time DESC"]
    found = client.search_runs(experiments, condition, max_results=most, order_by=order)
    return [_told(run) for run in found]


@st.cache_data(max_entries=200, ttl=60, show_spinner="Asking MLflow …")
def _run(run: str, uri: str, seen: float) -> dict[str, Any] | None:
    client = _client()
    if client is None:
        return None
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_run(run)
    except MlflowException:  # a model that was not trained here has a hash for an id
        return None
    return _told(found) | {"parameters": found.data.params, "metrics": found.data.metrics}


def _client() -> Any:
    try:
        return connected_to_see(store_path())
    except TrackingError:
        return None


def _told(run: Any) -> dict[str, Any]:
    started, ended = run.info.start_time, run.info.end_time
    tags = run.data.tags
    return {
        "run": run.info.run_id,
        "stage": tags.get(STAGE, ""),
        "started": datetime.fromtimestamp(started / 1000).strftime("%Y-%m-%d %H:%M"),
        "seconds": (ended - started) / 1000 if ended else None,
        "status": run.info.status,
        "error": tags.get(ERROR, ""),
        "parent": tags.get(_PARENT, ""),
        "name": run.info.run_name or "",
        "experiment": run.info.experiment_id,
    }
