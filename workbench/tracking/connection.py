"""The way to MLflow: opened once, and a URI that leads nowhere is told at once."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from workbench.errors import TrackingError
from workbench.tracking.places import tables_lock, tracking_uri
from workbench.tracking.quiet import quiet

if TYPE_CHECKING:
    from mlflow import MlflowClient

# For the first question only, where the user has set nothing: MLflow's own (7 retries of up to
# 120 s) would wait minutes for a server that is down. Later ones have MLflow's patience.
_FIRST_TRY = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
_SQLITE = "sqlite:///"
_DATABASE = re.compile(r"(sqlite|postgresql|mysql|mssql)(\+\w+)?:")


def connected(uri: str) -> "MlflowClient":
    """A client of a tracking store that has answered.

    Raises:
        TrackingError: it does not answer, or there is no such kind of tracking store.
    """
    try:
        with quiet(), _first_try():
            from mlflow import MlflowClient

            if _DATABASE.match(uri):
                _ask_database(uri)
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
    except Exception as error:  # MLflow raises a different one for each kind of store
        reason = shorten(shown(str(error).strip().partition("\n")[0]), 300).rstrip(".")
        raise TrackingError(
            f"no MLflow tracking store answers at {shown(uri)}: {type(error).__name__}: "
            f"{reason}. Valid are sqlite:///FILE, http(s)://HOST and what else MLflow takes for "
            "MLFLOW_TRACKING_URI"
        ) from error
    return client


def connected_to_see(store: Path, patience_s: float = 10.0) -> "MlflowClient | None":
    """A client for who only looks: None where a store has no runs yet, and then none are begun.

    While a stage makes MLflow's tables it is waited for: two processes that make the same tables
    trip over each other, and whoever only looks must not make an experiment fail.

    Raises:
        TrackingError: the tracking store does not answer, or its tables are still being made.
    """
    uri = tracking_uri(store)
    if uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).is_file():
        return None
    lock = tables_lock(store)
    if not os.access(lock, os.W_OK):  # nobody has made tables, or it is not for us to make any
        return connected(uri)
    try:
        with FileLock(lock, timeout=patience_s):
            return connected(uri)
    except Timeout as error:
        raise TrackingError(f"{shown(uri)} is still being made by another process") from error


def shown(uri: str) -> str:
    """A text with URIs without their passwords."""
    return re.sub(r"(?<=://)([^/@:\s]*):[^/@\s]*@", r"\1:***@", uri)


def _ask_database(uri: str) -> None:
    """One try: MLflow's own go on for 100 s."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    url = make_url(uri)
    if url.drivername.startswith("sqlite") and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    with create_engine(url, poolclass=NullPool).connect():
        pass


@contextmanager
def _first_try() -> Iterator[None]:
    ours = {name: value for name, value in _FIRST_TRY.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
