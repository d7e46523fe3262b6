"""Pairs that show the same tokens are one, and come out with one logit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.models.tokens import Tokens
from workbench.ranking.distinct import distinct_sequences
from workbench.ranking.layout import FRAME

parts = st.lists(st.lists(st.integers(0, 2), max_size=4), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(parts, st.data())
def test_groups_are_those_of_a_loop(texts, data):
    tokens = Tokens.joined([np.array(text, np.int32) for text in texts])
    place = st.integers(0, len(texts) - 1)
    pairs = data.draw(st.lists(st.tuples(place, place, place), max_size=12))
    shown = [[data.draw(st.integers(0, len(texts[i]))) for i in pair] for pair in pairs]
    seen = [
        tuple(tuple(texts[i][:n]) for i, n in zip(pair, row, strict=True))
        for pair, row in zip(pairs, shown, strict=True)
    ]
    arrays = [np.array(rows, np.int64).reshape(-1, 3) for rows in (pairs, shown)]
    first, group = distinct_sequences(tokens, arrays[0], arrays[1] + FRAME)
    assert len(first) == len(set(seen))
    assert [seen[i] for i in first[group]] == seen


def test_equal_sequences_tie_exactly_whatever_the_batch(ranker):
    long = "the good answer " * 9
    prompts = ["why?", "why?", "how", "why?"] * 3
    left = [long, long + "very much", "it", "good"] * 3
    right = ["bad"] * 12
    for budget in (1, 60, 16384):
        seen = []
        logits = ranker.compare(
            prompts, left, right, tokens_per_batch=budget, progress=seen.append
        ).reshape(3, 4)
        assert (logits == logits[0]).all()
        assert logits[0, 0] == logits[0, 1]
        assert len(set(logits[0].tolist())) == 3
        assert sum(seen) == 12
