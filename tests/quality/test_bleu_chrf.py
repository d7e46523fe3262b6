import math

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.quality import MEASURES

BLEU, CHRF = MEASURES["bleu@1"], MEASURES["chrf@1"]
WORDS = st.lists(st.sampled_from(["the", "cat", "sat.", "on", "Mat", "3-4", "καλή"]), max_size=9)
TEXT = WORDS.map(" ".join) | st.text(alphabet="ab. ,\n&é", max_size=15)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), max_size=5), st.booleans())
def test_both_are_sacrebleus(pairs, shared):
    if shared:  # as candidates of one prompt: the reference is read once
        pairs = [(text, pairs[0][1]) for text, _ in pairs]
    texts, references = [h for h, _ in pairs], [r for _, r in pairs]
    for measure, library in (
        (BLEU, lambda h, r: sacrebleu.sentence_bleu(h, [r], use_effective_order=True)),
        (CHRF, lambda h, r: sacrebleu.sentence_chrf(h, [r])),
    ):
        values = measure(texts, references)
        expected = [library(h, r).score / 100 for h, r in pairs]
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, expected, rtol=1e-12)
        assert ((values >= 0) & (values <= 1)).all()


def test_bleu_by_hand():
    # 5 of 6 words, 3 of 5 pairs, 1 of 4 threes and no four, which counts as 1/2 of 3.
    text, reference = "the cat sat on a mat", "the cat sat by a mat"
    by_hand = (5 / 6 * 3 / 5 * 1 / 4 * (1 / 2) / 3) ** 0.25
    assert BLEU([text], [reference])[0] == pytest.approx(by_hand)
    # All that is there is right, but only half as long: the penalty for brevity.
    assert BLEU(["the cat"], ["the cat sat down"])[0] == pytest.approx(math.exp(1 - 4 / 2))


def test_chrf_by_hand():
    # "ab", the space left out, in "abc": precision 1, recall 2/3 and 1/2; of three characters
    # the text has none.
    precision, recall = 1.0, (2 / 3 + 1 / 2) / 2
    expected = 5 * precision * recall / (4 * precision + recall)
    assert CHRF(["a b"], ["abc"])[0] == pytest.approx(expected)


@pytest.mark.parametrize("measure", [BLEU, CHRF])
def test_no_words_score_0(measure):
    texts, references = ["", "cat", "", " \n", "cat"], ["cat", "", "", " ", "\n"]
    np.testing.assert_array_equal(measure(texts, references), np.zeros(5))


def test_chrf_reads_any_script():
    assert CHRF(["καλημέρα"], ["καλημέρα κόσμε"])[0] > 0.5 > CHRF(["καλή"], ["дом"])[0]
