"""Models of the hub are read from its cache without a network, and never as pickles."""

import shutil

import huggingface_hub
import naive_pairrm
import numpy as np
import pytest
from huggingface_hub import constants
from naive_pairrm import write_checkpoint

from workbench.errors import BadModel
from workbench.models import hub_files
from workbench.models.hub_files import checkpoint_directory, checkpoint_file
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.pairrm import load_pairrm

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


def cached(cache, name):
    """The folder in the cache of a model as if it had been downloaded."""
    model = cache / f"models--{name.replace('/', '--')}"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(COMMIT)
    snapshot = model / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    return snapshot


@pytest.mark.parametrize("local_files_only", [False, True])
def test_a_cached_checkpoint_loads_offline_with_its_base_models_config(
    cache, tmp_path, local_files_only
):
    here = write_checkpoint(tmp_path / "here")
    wanted = load_pairrm(PairRanker, here)
    there = cached(cache, "owner/ranker")
    shutil.copytree(here, there, dirs_exist_ok=True)
    (there / "backbone_config.json").unlink()
    options = {"local_files_only": local_files_only}
    with pytest.raises(BadModel, match="'some/base' is no directory, and no model of the hub"):
        load_pairrm(PairRanker, "owner/ranker", **options)
    base = cached(cache, "some/base") / "config.json"
    shutil.copy(here / "backbone_config.json", base)
    # The base model's vocabulary has other spare rows and no markers.
    naive_pairrm.edit_json(base, vocab_size=999)
    ranker = load_pairrm(PairRanker, "owner/ranker", **options)
    rows = (["why"], ["good"], ["bad"])
    np.testing.assert_array_equal(ranker.compare(*rows), wanted.compare(*rows))
    assert ranker.encoder == "some/base"


def test_what_is_not_there_is_told(cache, tmp_path):
    for name in ("owner/ranker", "not an id", "a/b/c"):
        with pytest.raises(BadModel, match=f"'{name}' is no directory, and no model of the hub"):
            checkpoint_directory(name)
    for name in ("./owner/ranker", str(tmp_path / "no"), tmp_path / "no"):
        with pytest.raises(BadModel, match="no directory"):
            checkpoint_directory(name)
    assert checkpoint_directory(str(tmp_path)) == tmp_path
    assert checkpoint_file(tmp_path, "config.json") == tmp_path / "config.json"


def test_only_files_that_cannot_run_code_are_fetched(monkeypatch, tmp_path):
    asked = {}

    def fetch(name, **options):
        asked.update(options, name=name)
        return str(tmp_path)

    monkeypatch.setattr(hub_files, "snapshot_download", fetch)
    assert checkpoint_directory("owner/ranker") == tmp_path
    there = ["config.json", "spm.model", "model.safetensors", "pytorch_model.bin", "optimizer.pt",
             "modeling_pairrm.py", "training_args.bin", "x.pkl"]  # fmt: skip
    kept = huggingface_hub.utils.filter_repo_objects(there, allow_patterns=asked["allow_patterns"])
    assert list(kept) == there[:3]
