"""A folder with an MLflow store whose tables are there: making them takes seconds."""

import shutil
from pathlib import Path

import pytest

from workbench.tracking import Tracker


@pytest.fixture(scope="session")
def made_tables(tmp_path_factory) -> Path:
    return Tracker(tmp_path_factory.mktemp("tables") / "unused.duckdb").store.parent / "mlflow.db"


@pytest.fixture
def folder(tmp_path, made_tables) -> Path:
    shutil.copy(made_tables, tmp_path / "mlflow.db")
    return tmp_path
