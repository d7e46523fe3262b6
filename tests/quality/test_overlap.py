import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from workbench.errors import BadValue, UnknownName
from workbench.quality import MEASURES
from workbench.quality.overlap import longest_common_subsequence

ROUGE, TOKENS = MEASURES["rougeL@1"], MEASURES["token_f1@1"]
SCORER = rouge_scorer.RougeScorer(["rougeL"])
TEXT = st.text(alphabet="abAB1 .,-\né", max_size=40)
WORDS = st.lists(st.sampled_from("abc"), max_size=12)


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


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_rouge_is_the_librarys(pairs):
    values = ROUGE([h for h, _ in pairs], [r for _, r in pairs])
    expected = [SCORER.score(reference, text)["rougeL"].fmeasure for text, reference in pairs]
    assert values.shape == (len(pairs),)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_rouge_of_a_known_pair():
    # Longest common subsequence: "the dog sat"; precision 3/4, recall 3/6.
    (value,) = ROUGE(["the dog quickly sat"], ["The old dog has just sat!"])
    assert value == pytest.approx(2 * 0.75 * 0.5 / 1.25)


def test_rouge_reads_ascii_words_only():
    np.testing.assert_array_equal(ROUGE(["Καλημέρα", "", "a"], ["Καλημέρα", "", ""]), [0, 0, 0])
    assert ROUGE(["café"], ["caf"])[0] == 1


@pytest.mark.parametrize(
    ("text", "reference", "value"),
    [
        ("The cat, on a mat.", "cat on mat", 1.0),
        ("cat cat dog", "cat bird", 2 * (1 / 3) * (1 / 2) / (5 / 6)),
        ("dog cat", "cat dog", 1.0),
        ("Καλημέρα κόσμε", "καλημέρα", 2 / 3),
        ("cat", "dog", 0.0),
        ("", "the", 1.0),
        ("", "cat", 0.0),
    ],
)
def test_token_f1_of_known_pairs(text, reference, value):
    assert TOKENS([text], [reference])[0] == pytest.approx(value)


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
def test_measures_are_symmetric_bounded_and_pair_by_pair(name, words):
    measure = MEASURES[name]
    left = [" ".join(f"{word}w" for word in pair[0]) for pair in words]
    right = [" ".join(f"{word}w" for word in pair[1]) for pair in words]
    values = measure(left, right)
    assert ((values >= 0) & (values <= 1)).all()
    np.testing.assert_array_equal(values, measure(right, left))
    alone = [measure([a], [b])[0] for a, b in zip(left, right, strict=True)]
    np.testing.assert_array_equal(values, alone)
    full = [text for text in left if text]
    np.testing.assert_array_equal(measure(full, full), np.ones(len(full)))


@pytest.mark.parametrize("name", MEASURES)
def test_lists_of_different_length_are_refused(name):
    with pytest.raises(BadValue, match="references"):
        MEASURES[name](["a", "b"], ["a"])


def test_unknown_measure_names_the_valid_ones():
    with pytest.raises(UnknownName, match=r"Did you mean 'rougeL@1'.*token_f1@1"):
        MEASURES["rougeL"]
