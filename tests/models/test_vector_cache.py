"""Vectors on disk: never made twice, never lost, never wrong."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import WORDS, write
from transformers import AutoModel

from workbench.models import vector_cache
from workbench.models.vector_cache import cached_vectors
from workbench.models.vectors import TextEncoder

TEXTS = [f"{word} is good" for word in WORDS]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = write("bert", tmp_path_factory.mktemp("bert"), AutoModel)
    return TextEncoder.load(folder, max_tokens=40)


@pytest.fixture
def read(encoder, monkeypatch):
    """The texts that the encoder has read."""
    texts: list[str] = []
    whole = TextEncoder.vectors

    def vectors(self, part, **options):
        texts.extend(part)
        return whole(self, part, **options)

    monkeypatch.setattr(TextEncoder, "vectors", vectors)
    return texts


def files(folder):
    return sorted(folder.rglob("*.safetensors"))


def test_only_new_texts_are_read_and_each_once(encoder, read, tmp_path):
    first = cached_vectors(encoder, TEXTS[:6] * 2, tmp_path)
    assert sorted(read) == sorted(TEXTS[:6])
    told = []
    second = cached_vectors(encoder, TEXTS, tmp_path, progress=told.append)
    assert sorted(read) == sorted(TEXTS)
    assert sum(told) == len(TEXTS)
    assert (second[:6] == first[:6]).all()
    assert (cached_vectors(encoder, TEXTS, tmp_path) == second).all()
    assert len(read) == len(TEXTS)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from([*TEXTS, ""]), max_size=12))
def test_cached_is_as_if_uncached(encoder, tmp_path, texts):
    found = cached_vectors(encoder, texts, tmp_path)
    np.testing.assert_allclose(found, encoder.vectors(texts), atol=1e-5)


def test_precision_and_options_have_places_of_their_own(encoder, read, tmp_path):
    cached_vectors(encoder, TEXTS[:2], tmp_path)
    cached_vectors(encoder, TEXTS[:2], tmp_path, precision="bfloat16")
    assert len(read) == 4
    assert len({file.parent for file in files(tmp_path)}) == 2


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "other"])
def test_a_damaged_file_is_told_and_made_anew(encoder, read, tmp_path, capsys, damage):
    whole = cached_vectors(encoder, TEXTS, tmp_path)
    (file,) = files(tmp_path)
    content = bytearray(file.read_bytes())
    if damage == "bit":
        content[-1] ^= 1  # of the last vector: no reader of the format sees it
    cut = {"cut": content[:-9], "bit": content, "empty": b"", "other": b"{}" * 99}[damage]
    file.write_bytes(cut)
    again = cached_vectors(encoder, TEXTS, tmp_path)
    assert (again == whole).all()
    assert len(read) == 2 * len(TEXTS)
    assert "is damaged" in capsys.readouterr().err
    assert (cached_vectors(encoder, TEXTS, tmp_path) == whole).all()
    assert len(read) == 2 * len(TEXTS)


def test_what_was_done_before_a_stop_is_kept(encoder, read, tmp_path, monkeypatch):
    monkeypatch.setattr(vector_cache, "_BLOCK", 4)

    def stop(done):
        if len(files(tmp_path)) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_vectors(encoder, TEXTS, tmp_path, progress=stop)
    kept = set(read[:8])
    del read[:]
    cached_vectors(encoder, TEXTS, tmp_path)
    assert set(read) == set(TEXTS) - kept


def test_what_a_killed_process_left_unfinished_is_not_read_and_goes(encoder, tmp_path):
    cached_vectors(encoder, TEXTS[:2], tmp_path)
    place = files(tmp_path)[0].parent
    old, young = place / "a.1.part", place / "b.2.part"
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    cached_vectors(encoder, TEXTS, tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_two_writers_at_once(encoder, tmp_path, monkeypatch, capsys):
    """Threads, as processes would: they share nothing but the folder."""
    monkeypatch.setattr(vector_cache, "_BLOCK", 1)
    start = Barrier(2)

    def run(_):
        start.wait()
        return cached_vectors(encoder, TEXTS, tmp_path)

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(run, range(2))
    np.testing.assert_allclose(one, two, atol=1e-5)
    np.testing.assert_allclose(cached_vectors(encoder, TEXTS, tmp_path), one, atol=1e-5)
    assert "damaged" not in capsys.readouterr().err
    assert list(tmp_path.rglob("*.part")) == []
