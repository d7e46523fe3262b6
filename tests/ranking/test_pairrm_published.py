"""The script that holds the hub's weights against the published logits, on other weights."""

import runpy
from pathlib import Path

import pytest
from naive_pairrm import write_checkpoint

SCRIPT = Path(__file__).parents[2] / "experiments" / "pairrm_published.py"


@pytest.fixture
def main():
    return runpy.run_path(str(SCRIPT))["main"]


def test_other_weights_differ_and_no_weights_are_told(main, tmp_path, capsys):
    directory = write_checkpoint(tmp_path / "checkpoint")
    assert main(["--checkpoint", str(directory)]) == 1
    told = capsys.readouterr().out
    assert "published +1.9003" in told
    assert "published -1.2547" in told
    assert "differs" in told
    assert main(["--checkpoint", str(tmp_path / "nowhere")]) == 2
    assert "no directory" in capsys.readouterr().err


def test_equal_logits_are_as_published(main, tmp_path, capsys, monkeypatch):
    directory = write_checkpoint(tmp_path / "checkpoint")
    main(["--checkpoint", str(directory)])
    found = [float(line.split()[-3]) for line in capsys.readouterr().out.splitlines()[:2]]
    monkeypatch.setitem(main.__globals__, "PUBLISHED", found)
    assert main(["--checkpoint", str(directory)]) == 0
    assert "as published" in capsys.readouterr().out
