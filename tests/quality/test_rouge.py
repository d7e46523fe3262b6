import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from workbench.quality import MEASURES
from workbench.quality.rouge import longest_common_subsequence

KINDS = ("rouge1", "rouge2", "rougeL")
SCORER = rouge_scorer.RougeScorer(KINDS)
TEXT = st.text(alphabet="abAB1 .,-\né", max_size=40)


def naive_lcs(left, right):
    """The textbook's recursion."""
    if not left or not right:
        return 0
    if left[-1] == right[-1]:
        return naive_lcs(left[:-1], right[:-1]) + 1
    return max(naive_lcs(left[:-1], right), naive_lcs(left, right[:-1]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=7), st.lists(st.sampled_from("abc"), max_size=7))
def test_longest_common_subsequence_is_the_textbooks(left, right):
    assert longest_common_subsequence(left, right) == naive_lcs(left, right)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50, deadline=None)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_rouge_is_the_librarys(kind, pairs):
    values = MEASURES[f"{kind}@1"]([h for h, _ in pairs], [r for _, r in pairs])
    expected = [SCORER.score(reference, text)[kind].fmeasure for text, reference in pairs]
    assert values.shape == (len(pairs),)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # the, dog, sat of 4 and of 6 words
        ("rouge1@1", 2 * 3 / 10),
        # No pair of neighbours: in the reference words stand between them.
        ("rouge2@1", 0.0),
        # Longest common subsequence: "the dog sat"; precision 3/4, recall 3/6.
        ("rougeL@1", 2 * 0.75 * 0.5 / 1.25),
    ],
)
def test_rouge_of_a_known_pair(name, value):
    (found,) = MEASURES[name](["the dog quickly sat"], ["The old dog has just sat!"])
    assert found == pytest.approx(value)


def test_words_that_come_twice_count_as_often_as_both_texts_have_them():
    # "a b" twice and once: 2·1 / (3 + 1) pairs; 2·2 / (4 + 2) words.
    assert MEASURES["rouge2@1"](["a b a b"], ["a b"])[0] == pytest.approx(0.5)
    assert MEASURES["rouge1@1"](["a b a b"], ["a b"])[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["rouge1@1", "rougeL@1"])
def test_rouge_reads_ascii_words_only(name):
    rouge = MEASURES[name]
    np.testing.assert_array_equal(rouge(["Καλημέρα", "", "a"], ["Καλημέρα", "", ""]), [0, 0, 0])
    assert rouge(["café"], ["caf"])[0] == 1
