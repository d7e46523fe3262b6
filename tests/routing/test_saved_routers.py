"""Fitted routers on disk and by an encoder on disk: vectors kept, files checked."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from router_kinds import made
from tiny_models import write
from tokenizers import processors
from transformers import AutoModel
from two_kinds import NEW, WORDS, connected, fitted, world

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.vectors import TextEncoder
from workbench.models.vocabulary import tiny_tokenizer
from workbench.routing.knn import KNNRouter
from workbench.routing.linear import LinearRouter
from workbench.routing.loading import load_router
from workbench.routing.tfidf import TfidfVectors


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return world(tmp_path_factory.mktemp("store"), prompts=64)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A random encoder that knows the words of this world."""
    tokenizer = tiny_tokenizer([" ".join([*WORDS["sums"], *WORDS["verse"]])], 200, markers=False)
    frame = [(t, tokenizer.convert_tokens_to_ids(t)) for t in ("[CLS]", "[SEP]")]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=frame
    )
    folder = tmp_path_factory.mktemp("encoder") / "model"
    return write("bert", folder, AutoModel, tokenizer=tokenizer, hidden_size=32)


def linear(encoder):
    return LinearRouter(encoder, max_tokens=32)


def test_a_pretrained_encoder_tells_the_kinds_apart(store, encoder):
    _, figures = fitted(linear(encoder), store)
    assert figures["validation/gap_closed"] > 0.7


def test_prompts_of_the_store_are_read_once_by_all_routers(store, encoder, monkeypatch):
    router, figures = fitted(linear(encoder), store)
    read = []
    monkeypatch.setattr(TextEncoder, "vectors", lambda _self, texts, **_: read.append(texts))
    again, same = fitted(linear(encoder), store)
    fitted(KNNRouter(encoder, max_tokens=32, normalise=False, neighbours=3), store)
    assert read == []
    assert same == figures
    monkeypatch.undo()
    assert (again.utilities(NEW) == router.utilities(NEW)).all()


def test_figures_are_those_of_the_same_prompts_read_anew(store, encoder):
    router, figures = fitted(linear(encoder), store)
    held_out = connected(store).held_out
    found = router.utilities(held_out.prompts, tokens_per_batch=40)
    chosen = held_out.rewards[np.arange(len(found)), found.argmax(axis=1)]
    assert chosen.mean() == pytest.approx(figures["validation/quality"])


def test_saved_it_finds_its_encoder_from_anywhere(store, encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(Path(encoder).parent)
    router, _ = fitted(linear("model"), store)
    router.save_pretrained(tmp_path / "router")
    monkeypatch.chdir(tmp_path)
    again = load_router(tmp_path / "router")
    np.testing.assert_allclose(again.utilities(NEW), router.utilities(NEW), atol=1e-6)


def test_an_encoder_that_has_changed_is_told(store, encoder, tmp_path):
    moved = str(shutil.copytree(encoder, tmp_path / "encoder"))
    router, _ = fitted(linear(moved), store)
    router.save_pretrained(tmp_path / "router")
    write("bert", moved, AutoModel, seed=5)
    with pytest.raises(BadModel, match="not the one"):
        LinearRouter.from_pretrained(tmp_path / "router")
    shutil.rmtree(moved)
    with pytest.raises(BadModel, match="no directory"):
        LinearRouter.from_pretrained(tmp_path / "router")


@pytest.mark.parametrize(
    ("file", "damage", "told"),
    [
        ("model.safetensors", None, "is missing"),
        ("model.safetensors", lambda old: old[:-7] + b"garbage", "is damaged"),
        ("config.json", lambda _: b"{", "not JSON"),
        ("config.json", lambda old: old.replace(b'"alpha"', b'"alpine"'), "alpine"),
        ("tfidf.json", None, "is missing"),
        ("tfidf.json", lambda _: json.dumps({"terms": ["one"]}).encode(), "not of one model"),
    ],
)
def test_files_that_do_not_fit_are_told(store, tmp_path, file, damage, told):
    router, _ = fitted(made("linear", alpha=1.0), store)
    router.save_pretrained(tmp_path)
    path = tmp_path / file
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadModel, match=told):
        LinearRouter.from_pretrained(tmp_path)


def test_a_router_of_another_class_is_told(store, tmp_path):
    router, _ = fitted(made("linear"), store)
    router.save_pretrained(tmp_path)
    with pytest.raises(BadModel, match="KNNRouter"):
        KNNRouter.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("knn", "neighbours", 0),
        ("linear", "alpha", []),
        ("mlp", "hidden", [8, 0]),
        ("mlp", "lr", 0.0),
        ("cluster", "clusters", -1),
        ("cluster", "shrinkage", -1.0),
        ("factors", "epochs", 0),
        ("factors", "weight_decay", -1.0),
        ("similarity", "gamma", [10.0, 1.0]),
        ("similarity", "prior", 0.0),
        ("linear", "max_tokens", 0),
    ],
)
def test_options_that_cannot_be_are_told_at_once(kind, option, value):
    with pytest.raises(BadValue, match=option):
        made(kind, **{option: value})


def test_names_that_are_unknown_are_told_at_once():
    with pytest.raises(UnknownName, match="weights"):
        made("knn", weights="near")
    with pytest.raises(UnknownName, match="pooling"):
        made("knn", pooling="last")
    with pytest.raises(UnknownName, match="dimension"):
        KNNRouter({"dimension": 3})
    assert KNNRouter({"dimensions": 3}).encoder == TfidfVectors(dimensions=3)
