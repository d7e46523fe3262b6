"""One small pool, taken through the stages once for the whole suite."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

# Before torch is imported: tiny models are fastest on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(autouse=True)
def _tracking_beside_the_store(monkeypatch):
    """The command line writes this variable; what one test sets, the next must not see."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "set, so that it is restored")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")


@pytest.fixture(scope="session")
def empty_tracking(tmp_path_factory) -> Path:
    """Folder of an MLflow store without runs. Making its tables takes MLflow seconds."""
    return _built(tmp_path_factory, "empty", _make_tables)


@pytest.fixture
def new_store(tmp_path, empty_tracking) -> Path:
    """Path of a store that is still to be made, with MLflow's tables beside it."""
    shutil.copy(empty_tracking / "mlflow.db", tmp_path)
    return tmp_path / "store.duckdb"


@pytest.fixture(scope="session")
def measured_pool(tmp_path_factory, empty_tracking) -> Path:
    """Folder of a store after ingest and measure. Read only: writers take a copy."""
    return _built(
        tmp_path_factory, "measured", lambda folder: _ingest_and_measure(folder, empty_tracking)
    )


@pytest.fixture(scope="session")
def compared_pool(tmp_path_factory, measured_pool) -> Path:
    """The same after train, compare and aggregate. Read only: writers take a copy."""
    return _built(tmp_path_factory, "compared", lambda folder: _train(folder, measured_pool))


@pytest.fixture
def fresh(tmp_path) -> Callable[[Path], Path]:
    """Copies a pool's folder into the test's own; gives the copy's store."""

    def copy(pool: Path, name: str = "copy") -> Path:
        from tiny_pipeline import copied

        return copied(pool, tmp_path / name) / "store.duckdb"

    return copy


def _built(tmp_path_factory, name: str, build: Callable[[Path], None]) -> Path:
    """The folder `name`, built by the first of several test processes that asks for it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    with FileLock(root / f"{name}.lock"):
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            build(folder)
            (folder / "whole").touch()
    return folder


def _make_tables(folder: Path) -> None:
    from workbench.tracking import Tracker

    folder.mkdir()
    Tracker(folder / "empty.duckdb")


def _ingest_and_measure(folder: Path, tracking: Path) -> None:
    from tiny_pipeline import MEASURE

    from workbench.stages.ingest import ingest
    from workbench.stages.measure import measure

    folder.mkdir()
    shutil.copy(tracking / "mlflow.db", folder)
    ingest(folder / "store.duckdb", "simulated", n_prompts=70, seed=1)
    measure(folder / "store.duckdb", [MEASURE])


def _train(folder: Path, measured: Path) -> None:
    from tiny_pipeline import SCHEMES, copied, trained

    from workbench.stages.aggregate import aggregate
    from workbench.stages.compare import compare

    store = copied(measured, folder) / "store.duckdb"
    trained(store)
    compare(store)
    aggregate(store, schemes=SCHEMES)
