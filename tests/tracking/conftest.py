from pathlib import Path

import pytest


@pytest.fixture
def folder(new_store) -> Path:
    """A folder with MLflow's tables, for any store in it."""
    return new_store.parent
