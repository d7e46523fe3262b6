import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.evaluation.kept import kept_quality, top_recall

few = settings(max_examples=40, deadline=None)
VALUES = hnp.arrays(np.float64, (4, 6), elements=st.integers(-3, 3).map(float))
POOLS = hnp.arrays(np.bool_, (4, 6))


@few
@given(reference=VALUES, pool=POOLS, k=st.integers(1, 4))
def test_a_ranking_finds_its_own_top_whole_and_its_reverse_finds_the_least(reference, pool, k):
    own = top_recall(reference, reference, pool, k)
    enough = pool.sum(axis=1) > k
    np.testing.assert_array_equal(np.isnan(own), ~enough)
    np.testing.assert_allclose(own[enough], 1.0)
    worst = top_recall(-reference, reference, pool, k)[enough]
    assert ((worst >= 0) & (worst <= 1 + 1e-12)).all()


@few
@given(scores=VALUES, reference=VALUES, pool=POOLS, k=st.integers(1, 4))
def test_recall_is_the_mean_over_random_breaking_of_ties(scores, reference, pool, k):
    found = top_recall(scores, reference, pool, k)
    rng = np.random.default_rng(0)
    for q in np.flatnonzero(pool.sum(axis=1) > k):
        real = np.flatnonzero(pool[q])
        wanted = {i for i in real if (reference[q, real] > reference[q, i]).sum() < k}
        drawn = []
        for _ in range(400):
            shuffled = rng.permutation(real)
            order = shuffled[np.argsort(-scores[q, shuffled], kind="stable")]
            drawn.append(len(wanted & set(order[:k])) / k)
        assert found[q] == pytest.approx(np.mean(drawn), abs=0.1)


def test_what_a_ranking_keeps_knows_no_zero_and_no_scale():
    rng = np.random.default_rng(1)
    chance, full = rng.normal(size=(2, 50))
    full = chance + np.abs(full)
    cheap = chance + 0.7 * (full - chance)
    for scale, zero in ((1.0, 0.0), (10.0, -1000.0)):
        ratio = kept_quality(*(scale * v + zero for v in (cheap, full, chance)))
        assert ratio.value == pytest.approx(0.7)
    assert kept_quality(full, full, chance).value == 1.0
    assert kept_quality(chance, full, chance).value == 0.0
    assert np.isnan(kept_quality(full, chance, full).value)
