"""Copying: what is written occurs, n tokens in a row, in a candidate that was shown."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_generate import ENDS, PROMPTS, VOCABULARY
from tiny_writers import Verbatim, chat_tokenizer, writer

from workbench.errors import BadValue
from workbench.fusion.copying import CopyNGram, following, source_table
from workbench.fusion.decoding import Decoding
from workbench.fusion.generate import generate

TOKENS = st.integers(0, 4)
CANDIDATES = st.lists(st.lists(TOKENS, max_size=7), max_size=3)
SOURCES = [[prompt, prompt[::-1] + prompt[:2]] for prompt in PROMPTS]


def grams(candidates, n):
    """n tokens in a row, begin (-2) and end (-1) counted."""
    marked = [(-2, *c, -1) for c in candidates]
    return {c[k : k + n] for c in marked for k in range(len(c) - n + 1)}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(CANDIDATES, min_size=1, max_size=3), st.lists(TOKENS, max_size=4), st.integers(1, 4)
)
def test_allowed_is_what_makes_an_n_gram_of_a_candidate(sources, written, n):
    rows = torch.tensor([written] * len(sources), dtype=torch.int64).view(len(sources), -1)
    scores = torch.randn(len(sources), 7)
    kept = CopyNGram(sources, n, [6])(rows, scores)
    for row, candidates in enumerate(sources):
        last = (-2, *written)[max(0, len(written) - n + 2) :]
        known = grams(candidates, len(last) + 1)
        free = {token for token in range(6) if (*last, token) in known}
        if not free or (*last, -1) in known or n == 1:
            free.add(6)
        expected = torch.full((7,), -torch.inf)
        expected[list(free)] = scores[row, list(free)]
        assert torch.equal(kept[row], expected)


@pytest.mark.parametrize("decoding", [
    Decoding(beams=1, max_new_tokens=12, copy_ngram=1),
    Decoding(beams=4, max_new_tokens=12, copy_ngram=3),
    Decoding(beams=3, max_new_tokens=12, copy_ngram=2, no_repeat_ngram=1),
    Decoding(beams=1, max_new_tokens=12, copy_ngram=2, temperature=1.5),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind", ["t5", "llama"])
def test_answers_are_made_of_the_candidates(kind, decoding):
    model = writer(kind, VOCABULARY)
    seen = []
    stream = generate(model, Verbatim(), PROMPTS, decoding, sources=SOURCES, tokens_per_batch=300)
    for some in stream:
        for row, tokens in zip(some.index, some.texts, strict=True):
            found = grams([tokens], decoding.copy_ngram)
            if len(tokens) == decoding.max_new_tokens or decoding.no_repeat_ngram:
                found = {gram for gram in found if -1 not in gram}  # it was cut short
            assert found <= grams(SOURCES[row], decoding.copy_ngram)
            seen.append(len(tokens))
    assert max(seen) > 3


def test_without_anything_to_copy_the_answer_is_empty():
    model = writer("t5", VOCABULARY, ENDS)
    for beams in (1, 3):
        decoding = Decoding(beams=beams, copy_ngram=2, max_new_tokens=5)
        (some,) = generate(model, chat_tokenizer(), [[5]], decoding, sources=[[[], []]])
        assert (some.texts, some.tokens_out.tolist()) == ([""], [0])


def test_no_n_gram_reaches_over_two_candidates():
    table = source_table([[[1, 2], [3]], []])
    assert table.tolist() == [[-2, 1, 2, -1, -2, 3, -1], [-1] * 7]
    assert following(table[:1], torch.tensor([[2]]), 5).nonzero()[:, 1].tolist() == [5]


def test_one_candidate_without_repeats_is_written_whole():
    model = writer("t5", VOCABULARY)
    decoding = Decoding(beams=1, copy_ngram=2, max_new_tokens=9)
    candidate = [7, 5, 9, 6]
    (some,) = generate(model, Verbatim(), [[5, 6]], decoding, sources=[[candidate]])
    assert list(some.texts[0]) == candidate


def test_n_is_checked():
    with pytest.raises(BadValue, match="copy_ngram"):
        CopyNGram([[[1]]], 0, [1])
