"""Lists of candidates as padded batches."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_pointwise import KINDS, shaken

from workbench.models.batches import token_batches
from workbench.models.framing import Framed
from workbench.models.tokens import Tokens
from workbench.ranking.lists import REFERENCE, SOURCE, ListDataset, Rows
from workbench.ranking.simcls import SimCLS

PAD = 0


def drawn(seed):
    """Rows [R] of 6 prompts with 0 to 4 candidates, and qualities [6, 4, 1]; ids tell the row."""
    random = np.random.default_rng(seed)
    there = random.random((6, 4)) < 0.6
    prompt, candidate = np.nonzero(there)
    length = random.integers(1, 9, size=len(prompt))
    ids = [np.full(n, row + 1, np.int32) for row, n in enumerate(length)]
    tokens = Tokens.joined(ids)
    quality = np.where(there, random.normal(size=(6, 4)), np.nan)[..., None]
    rows = Rows(prompt, candidate, Framed(tokens, tokens.length))
    return ListDataset(rows, quality, PAD, np.flatnonzero(there.any(axis=1))), rows


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 200))
def test_a_batch_holds_each_row_of_its_prompts_once_within_the_budget(seed, budget):
    dataset, rows = drawn(seed)
    length = dataset.length()
    assert len(length) == len(dataset)
    seen = []
    for batch in token_batches(length, budget):
        lists = dataset.__getitems__(batch.tolist())
        size = lists.input_ids.numel()
        assert size <= budget or len(batch) == 1
        assert lists.place.tolist() == dataset.chosen[batch].tolist()
        own = (lists.input_ids.numpy().max(axis=1) - 1).tolist()
        assert lists.place[lists.prompt].tolist() == rows.prompt[own].tolist()
        assert lists.candidate.tolist() == rows.candidate[own].tolist()
        assert lists.attention_mask.sum(dim=1).tolist() == rows.framed.tokens.length[own].tolist()
        assert lists.measured.sum() == len(own)
        placed = lists.by_candidate(lists.input_ids.max(dim=1).values[:, None])
        assert (placed[..., 0] > 0).equal(lists.measured)
        seen += own
    assert sorted(seen) == list(range(len(rows.prompt)))


def test_one_prompt_is_a_batch_of_one():
    dataset, _ = drawn(3)
    one, same = dataset[1], dataset.__getitems__([1])
    assert all(a.equal(b) or a.isnan().any() for a, b in zip(one, same, strict=True))
    assert len(one.place) == 1
    assert one.quality.dtype == torch.float32


def ragged():
    texts = np.full((3, 3), None, object)
    texts[0, :2] = ["good the", "bad"]
    texts[2, 1] = "why?"
    return ["question", "the", "why? yes"], texts, ["that one", "no", None]


@pytest.mark.parametrize("kind", KINDS)
def test_framed_lists_keep_prompts_and_columns(kind):
    ranker = shaken(kind)
    rows = ranker.frame_lists(*ragged())
    wanted = {(0, 0), (0, 1), (2, 1)}
    if kind is SimCLS:
        wanted |= {(0, SOURCE), (2, SOURCE), (0, REFERENCE)}
    assert set(zip(rows.prompt.tolist(), rows.candidate.tolist(), strict=True)) == wanted
    assert len(rows.prompt) == len(rows.framed.second) == len(wanted)
    assert (np.diff(rows.prompt) >= 0).all()


def test_simcls_finds_source_candidates_and_reference_again():
    ranker = shaken(SimCLS)
    prompts, texts, references = ragged()
    rows = ranker.frame_lists(prompts, texts, references)
    quality = np.where(texts != None, 1.0, np.nan)[..., None]  # noqa: E711
    batch = ListDataset(rows, quality, ranker.framing.pad, np.array([2, 0])).__getitems__([0, 1])
    with torch.no_grad():
        vectors = ranker(*batch[:3])
        scores = ranker.list_scores(vectors, batch)
    source, has_source = batch.by_role(vectors, SOURCE)
    answer, referenced = batch.by_role(vectors, REFERENCE)
    assert has_source.tolist() == [True, True]
    assert referenced.tolist() == [False, True]
    wanted = ranker.score(
        ["question", "question", "why? yes", "question"], ["good the", "bad", "why?", "that one"]
    )
    assert scores[1, :2].tolist() == pytest.approx(wanted[:2].tolist(), abs=1e-5)
    assert scores[0].tolist() == pytest.approx([0, wanted[2], 0], abs=1e-5)
    assert (source * answer).sum(dim=1).tolist() == pytest.approx([0, wanted[3]], abs=1e-5)


def test_no_candidates_at_all():
    for kind in KINDS:
        rows = shaken(kind).frame_lists(["a"], np.full((1, 2), None, object), [None])
        assert len(rows.prompt) == len(rows.framed.second) == 0
