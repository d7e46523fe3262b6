"""The notebooks run from top to bottom as they stand, and are kept without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FILES = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def test_no_outputs_are_kept(notebook):
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_it_runs(notebook, tmp_path):
    resources = {"metadata": {"path": str(tmp_path)}}  # what it writes lands there
    NotebookClient(notebook, timeout=300, resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    told = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs]
    assert "BestSingle" in " ".join(told)
