import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadValue
from workbench.models.encoder import TinyEncoder
from workbench.models.tokens import elided
from workbench.ranking.pair_ranker import PairRanker

MARK = -1


@given(st.integers(0, 400), st.integers(2, 120))
def test_an_elided_text_keeps_its_ends_and_its_budget(length, most):
    ids = np.arange(length, dtype=np.int32)
    cut = elided(ids, most, MARK)
    assert len(cut) == min(length, most)
    kept = cut[cut != MARK]
    if length <= most:
        assert (cut == ids).all()
        return
    begin = np.flatnonzero(cut == MARK)[0]
    assert (kept == np.r_[ids[:begin], ids[length - (len(kept) - begin) :]]).all()
    marks = int((cut == MARK).sum())
    assert (np.diff(np.flatnonzero(cut == MARK)) == 1).all()
    assert 1 <= marks <= max(1, most // 4)


def test_longer_texts_show_more_marks():
    marks = [(elided(np.arange(n), 100, MARK) == MARK).sum() for n in (101, 150, 300, 5000)]
    assert marks == [1, 3, 9, 25]


def test_a_ranker_that_elides_sees_how_a_long_answer_ends():
    texts = ["why so", "because " * 40 + "yes", "because " * 40 + "no"]
    tiny = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=16)
    lengths = {"source_maxlength": 12, "candidate_maxlength": 12}
    cut, elides = (
        PairRanker(tiny, measures=["m"], elide=elide, **lengths).build(texts)
        for elide in (False, True)
    )
    pair = ([texts[0]] * 2, [texts[1], texts[2]], [texts[0]] * 2)
    same, different = cut.compare(*pair), elides.compare(*pair)
    assert same[0] == same[1]
    assert different[0] != different[1]


def test_eliding_refuses_a_source_longer_than_a_candidate():
    with pytest.raises(BadValue, match="at most candidate_maxlength, 12, with elide"):
        PairRanker("x", measures=["m"], elide=True, source_maxlength=20, candidate_maxlength=12)
