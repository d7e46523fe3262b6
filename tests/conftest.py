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
def measured_pool(tmp_path_factory) -> Path:
    """Folder of a store after ingest and measure. Read only: writers take a copy."""
    return _built(tmp_path_factory, "measured", _ingest_and_measure)


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


def _ingest_and_measure(folder: Path) -> None:
    from tiny_pipeline import MEASURE

    from workbench.stages.ingest import ingest
    from workbench.stages.measure import measure

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
