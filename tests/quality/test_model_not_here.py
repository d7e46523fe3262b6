"""A model that is not on the machine: what is told, and what of the hub's cache is read."""

import shutil

import numpy as np
import pytest
from bleurt_writer import write_bleurt
from huggingface_hub import constants
from measure_models import write_encoder
from tiny_pipeline import copied

from workbench.cli import main
from workbench.errors import BadModel
from workbench.models.model_directory import model_directory
from workbench.quality.bartscore import BARTScore
from workbench.quality.bertscore import BERTScore
from workbench.quality.bleurt import BLEURT
from workbench.store.store import Store

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
    return model / "snapshots" / COMMIT


@pytest.mark.parametrize(
    "measure", [BERTScore("owner/model"), BARTScore("owner/model"), BLEURT("owner/model")]
)
def test_how_to_get_a_model_is_told(cache, measure):
    assert str(cache) not in str(measure.model)
    with pytest.raises(BadModel, match="`hf download owner/model --local-dir DIR` gets it"):
        measure.prepare("cpu")


def test_a_directory_that_is_not_there_is_no_hub_id(cache):
    with pytest.raises(BadModel, match=r"no directory './nowhere'"):
        model_directory("./nowhere")


def test_a_cached_model_is_read_without_a_network(cache, tmp_path):
    here = write_encoder("bert", tmp_path / "here")
    shutil.copytree(here, cached(cache, "owner/encoder"))
    there, local = BERTScore("owner/encoder").prepare("cpu"), BERTScore(here).prepare("cpu")
    assert (there.name, there.content()) == ("bertscore[encoder]@1", local.content())
    pair = ["good one"], ["the good"]
    assert np.array_equal(there(*pair), local(*pair))


def test_weights_of_a_cached_model_may_be_pickled(cache):
    write_bleurt(cached(cache, "owner/bleurt"), safe=False)
    assert np.isfinite(BLEURT("owner/bleurt").prepare("cpu")(["good"], ["bad"])).all()


def test_measure_from_the_command_line(measured_pool, tmp_path, capsys):
    store = copied(measured_pool, tmp_path / "pool") / "store.duckdb"
    folder = write_encoder("bert", tmp_path / "tiny")
    words = ["measure", "--store", str(store), "--model", "BERTScore", "--model.encoder", folder]
    chosen = ["--model.layer", "1", "--model.label", "mini", "--device", "cpu"]
    assert main([*words, *chosen]) == 0
    assert "bertscore[mini,layer=1]@1" in capsys.readouterr().out
    rows = Store(store).query(
        "select c.text, p.reference, q.value from qualities q "
        "join candidates c using (candidate_id) join prompts p using (prompt_id) "
        "where q.measure = 'bertscore[mini,layer=1]@1'"
    )
    values = BERTScore(folder, layer=1).prepare("cpu")(
        rows["text"].to_pylist(), rows["reference"].to_pylist()
    )
    assert len(values) > 0
    np.testing.assert_allclose(rows["value"].to_numpy(), values, atol=1e-5)
    assert main([*words, "--model.layer", "7"]) == 2
    assert "layer = 7: expected 0 to 2" in capsys.readouterr().err
