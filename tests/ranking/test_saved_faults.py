"""Directories of saved rankers that cannot be used are refused before any work."""

import json

import pytest

from workbench.errors import BadModel
from workbench.ranking.pair_ranker import PairRanker


@pytest.mark.parametrize(
    ("file", "values", "told"),
    [
        ("config.json", {"options": None}, "options = None"),
        ("config.json", {"class": 3}, "class = 3"),
        ("config.json", {"class": "os.system"}, "no PairRanker"),
        ("encoder/config.json", {"hidden_size": "wide"}, "hidden_size"),
        ("encoder/config.json", {"hidden_size": 15}, "multiple"),
        ("encoder/config.json", {"vocab_size": 5}, "embedding 5"),
    ],
)
def test_a_config_that_cannot_be_used_is_named(ranker, tmp_path, file, values, told):
    ranker.save_pretrained(tmp_path)
    path = tmp_path / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    with pytest.raises(BadModel, match=told):
        PairRanker.from_pretrained(tmp_path)


def test_code_that_a_checkpoint_brings_is_neither_run_nor_asked_about(
    ranker, tmp_path, monkeypatch
):
    ranker.save_pretrained(tmp_path)
    path = tmp_path / "encoder" / "config.json"
    own = {"model_type": "unheard-of", "auto_map": {"AutoConfig": "own.Config"}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **own}))
    (path.parent / "own.py").write_text("raise SystemExit('ran')")
    asked = []
    monkeypatch.setattr("builtins.input", lambda *words: asked.append(words) or "y")
    with pytest.raises(BadModel, match="cannot read the ranker"):
        PairRanker.from_pretrained(tmp_path)
    assert asked == []
