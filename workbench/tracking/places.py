"""Where things lie that belong to a store: its runs, its studies, its work under way."""

import os
from pathlib import Path


def tracking_uri(store: Path) -> str:
    """`MLFLOW_TRACKING_URI` where it is set, else a SQLite file beside the store."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store.resolve().parent}/mlflow.db"


def study_storage(store: Path) -> str:
    """Where Optuna keeps the studies of a store: a SQLite file beside it."""
    return f"sqlite:///{store.resolve().parent}/optuna.db"


def work_folder(store: Path) -> Path:
    """Where stages keep what they need to go on after a kill: `NAME.work` beside the store."""
    folder = store.with_suffix(".work")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tables_lock(store: Path) -> Path:
    """The file that is locked while MLflow makes its tables for a store."""
    return store.with_suffix(".work") / "mlflow.lock"
