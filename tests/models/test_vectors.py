"""Vectors of texts by a pretrained encoder."""

import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import WORDS, write
from transformers import AutoModel, AutoTokenizer

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.vectors import TextEncoder

TEXTS = ["the question is good", "why ?", "", "two answer one very like that", "why ?"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write("bert", tmp_path_factory.mktemp("bert"), AutoModel)


@pytest.fixture(scope="module")
def encoder(folder):
    return TextEncoder.load(folder, max_tokens=40)


@pytest.mark.parametrize("kind", ["bert", "roberta", "deberta"])
@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_vectors_are_those_of_the_encoder_run_text_by_text(tmp_path, kind, pooling):
    folder = write(kind, tmp_path / kind, AutoModel)
    found = TextEncoder.load(folder, pooling=pooling, max_tokens=40).vectors(TEXTS)
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    for text, vector in zip(TEXTS, found, strict=True):
        with torch.no_grad():
            states = model.eval()(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        wanted = states[0] if pooling == "first" else states.mean(dim=0)
        np.testing.assert_allclose(vector, wanted.numpy(), atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join), min_size=1, max_size=8),
    st.integers(1, 200),
    st.randoms(),
)
def test_neither_batch_nor_order_matters(encoder, texts, budget, random):
    whole = encoder.vectors(texts)
    order = random.sample(range(len(texts)), len(texts))
    parts = encoder.vectors([texts[i] for i in order], tokens_per_batch=budget)
    np.testing.assert_allclose(parts, whole[order], atol=1e-5)
    same = [texts.index(text) for text in texts]
    assert (whole == whole[same]).all()


def test_equal_texts_are_read_once_and_progress_counts_all(encoder):
    reads, told = [], []
    hook = encoder.model.register_forward_hook(
        lambda _m, _a, kwargs, _o: reads.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    encoder.vectors(TEXTS * 3, progress=told.append)
    hook.remove()
    assert sum(reads) == len(set(TEXTS))
    assert sum(told) == len(TEXTS) * 3


def test_bfloat16_is_near_and_its_own_key(encoder):
    exact, rough = encoder.vectors(TEXTS), encoder.vectors(TEXTS, precision="bfloat16")
    assert not (exact == rough).all()
    np.testing.assert_allclose(rough, exact, atol=0.2)
    assert encoder.key("bfloat16") != encoder.key("float32")


def test_the_key_is_of_content_and_options_but_not_of_the_place(folder, tmp_path):
    key = TextEncoder.load(folder, max_tokens=40).key()
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert TextEncoder.load(str(moved), max_tokens=40).key() == key
    others = [TextEncoder.load(folder, max_tokens=39).key()]
    others.append(TextEncoder.load(folder, max_tokens=40, pooling="first").key())
    other = write("bert", tmp_path / "other", AutoModel, seed=1)
    others.append(TextEncoder.load(other, max_tokens=40).key())
    assert len({key, *others}) == 4


def test_a_long_text_keeps_its_end(encoder):
    long = " ".join(["very"] * 100)
    assert not np.allclose(*encoder.vectors([f"{long} good", f"{long} bad"]))


def test_faults_are_told(folder, encoder):
    with pytest.raises(BadModel, match="no directory"):
        TextEncoder.load("./nowhere")
    with pytest.raises(UnknownName, match="pooling"):
        TextEncoder.load(folder, pooling="last")
    with pytest.raises(BadValue, match="max_tokens"):
        TextEncoder.load(folder, max_tokens=0)
    with pytest.raises(BadValue, match="96"):
        TextEncoder.load(folder, max_tokens=4000)
    with pytest.raises(BadValue, match="tokens_per_batch"):
        encoder.vectors(TEXTS, tokens_per_batch=0)
    assert encoder.vectors([]).shape == (0, encoder.width)


def test_numbers_that_are_not_finite_are_told(tmp_path):
    encoder = TextEncoder.load(write("bert", tmp_path, AutoModel), max_tokens=40)
    torch.nn.init.constant_(encoder.model.encoder.layer[1].output.dense.bias, torch.inf)
    with pytest.raises(BadModel, match="not finite"):
        encoder.vectors(TEXTS)
