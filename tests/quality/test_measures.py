"""What holds of every measure of two texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue, UnknownName
from workbench.quality import MEASURES, OF_PROSE

WORDS = st.lists(st.sampled_from("abc"), max_size=12)
ONE_SIDED = ("bleu@1", "chrf@1")  # brevity, recall: not the same the other way round
NEEDS_TWO = ("rouge2@1",)


def test_the_names():
    assert set(MEASURES) == {
        "rouge1@1", "rouge2@1", "rougeL@1", "bleu@1", "chrf@1", "exact_match@1", "token_f1@1",
        "final_answer@1",
    }  # fmt: skip
    assert set(MEASURES) - set(OF_PROSE) == {"final_answer@1"}


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
def test_measures_are_bounded_and_pair_by_pair(name, words):
    measure = MEASURES[name]
    left = [" ".join(f"{word}w" for word in pair[0]) for pair in words]
    right = [" ".join(f"{word}w" for word in pair[1]) for pair in words]
    values = measure(left, right)
    assert values.dtype == np.float64
    assert ((values >= 0) & (values <= 1)).all()
    if name not in ONE_SIDED:
        np.testing.assert_array_equal(values, measure(right, left))
    alone = [measure([a], [b])[0] for a, b in zip(left, right, strict=True)]
    np.testing.assert_array_equal(values, alone)
    full = [text for text in left if len(text.split()) > (name in NEEDS_TWO)]
    np.testing.assert_array_equal(measure(full, full), np.ones(len(full)))


@pytest.mark.parametrize("name", MEASURES)
def test_lists_of_different_length_are_refused(name):
    with pytest.raises(BadValue, match="references"):
        MEASURES[name](["a", "b"], ["a"])


@pytest.mark.parametrize("name", MEASURES)
def test_no_text_gives_no_value(name):
    assert MEASURES[name]([], []).shape == (0,)


def test_unknown_measure_names_the_valid_ones():
    with pytest.raises(UnknownName, match=r"Did you mean 'rougeL@1'.*token_f1@1"):
        MEASURES["rougeL"]
