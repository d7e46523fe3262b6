"""Copying: what is written occurs, n tokens in a row, in a candidate that was shown."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_generate import ENDS, PROMPTS, VOCABULARY
from tiny_writers import chat_tokenizer, writer

from workbench.errors import BadValue
from workbench.fusion.copying import CopyNGram, following, source_table
from workbench.fusion.decoding import Decoding
from workbench.fusion.generate import generate

TOKENS = st.integers(0, 4)
CANDIDATES = st.lists(st.lists(TOKENS, max_size=7), max_size=3)
SOURCES = [[prompt, prompt[::-1] + prompt[:2]] for prompt in PROMPTS]


def grams(candidates, n):
    return {tuple(c[k : k + n]) for c in candidates for k in range(len(c) - n + 1)}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(CANDIDATES, min_size=1, max_size=3), st.lists(TOKENS, max_size=4), st.integers(1, 4)
)
def test_allowed_is_what_makes_an_n_gram_of_a_candidate(sources, written, n):
    rows = torch.tensor([written] * len(sources), dtype=torch.int64).view(len(sources), -1)
    scores = torch.randn(len(sources), 7)
    kept = CopyNGram(sources, n, [6])(rows, scores)
    for row, candidates in enumerate(sources):
        last = tuple(written[max(0, len(written) - n + 1) :])
        known = grams(candidates, len(last) + 1)
        for token in range(7):
            allowed = token == 6 or (*last, token) in known
            assert kept[row, token] == (scores[row, token] if allowed else -torch.inf)


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
            for n in range(1, min(decoding.copy_ngram, len(tokens)) + 1):
                assert grams([tokens], n) <= grams(SOURCES[row], n)
            seen.append(len(tokens))
    assert max(seen) > 3


class Verbatim:
    """A tokenizer that leaves tokens as they are."""

    pad_token_id = 0

    def batch_decode(self, answers, **_):
        return answers


@pytest.mark.parametrize("kind", ["bart", "gpt2"])
def test_the_processor_does_the_same_in_transformers_own_generate(kind):
    model = writer(kind, VOCABULARY)
    decoding = Decoding(beams=3, max_new_tokens=8, copy_ngram=2)
    prompts, sources = [[5, 6, 7, 8], [9, 8, 7, 5]], [[[30, 31, 32, 31, 40]], [[50, 51], [52]]]
    begin = 1 if model.config.is_encoder_decoder else len(prompts[0])
    ids = torch.tensor(prompts)
    told = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        num_beams=3,
        do_sample=False,
        max_new_tokens=8,
        pad_token_id=0,
        logits_processor=[CopyNGram(sources, 2, [1], begin)],
    )[:, begin:]
    told = [[token for token in row if token > 1] for row in told.tolist()]
    (some,) = generate(model, Verbatim(), prompts, decoding, sources=sources)
    assert [some.texts[list(some.index).index(row)] for row in (0, 1)] == told


def test_without_anything_to_copy_the_answer_is_empty():
    model = writer("t5", VOCABULARY, ENDS)
    for beams in (1, 3):
        decoding = Decoding(beams=beams, copy_ngram=2, max_new_tokens=5)
        (some,) = generate(model, chat_tokenizer(), [[5]], decoding, sources=[[[], []]])
        assert (some.texts, some.tokens_out.tolist()) == ([""], [0])


def test_no_n_gram_reaches_over_two_candidates():
    table = source_table([[[1, 2], [3]], []])
    assert table.tolist() == [[1, 2, -1, 3, -1], [-1] * 5]
    assert not following(table[:1], torch.tensor([[2]]), 5).any()


def test_n_is_checked():
    with pytest.raises(BadValue, match="copy_ngram"):
        CopyNGram([[[1]]], 0, [1])
