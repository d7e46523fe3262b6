import numpy as np
import pytest
from hypothesis import given, settings
from quality_pools import quality_pools, random_pool
from scipy import stats

from workbench.evaluation.correlation import footrule, kendall, pearson, spearman
from workbench.evaluation.measured import measured

CORRELATIONS = [
    (pearson, stats.pearsonr),
    (spearman, stats.spearmanr),
    (kendall, stats.kendalltau),
]
names = [ours.__name__ for ours, _ in CORRELATIONS]


@pytest.mark.parametrize(("ours", "theirs"), CORRELATIONS, ids=names)
@pytest.mark.parametrize("levels", [None, 1, 2])
def test_correlations_equal_scipy_s_prompt_by_prompt(ours, theirs, levels):
    scores, quality, pool = random_pool(1, 60, 8, levels)
    found = ours(scores, quality, pool)
    for row in range(len(pool)):
        x, y = scores[row][pool[row]], quality[row][pool[row]]
        if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
            assert np.isnan(found[row])
        else:
            assert found[row] == pytest.approx(theirs(x, y).statistic, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(pool=quality_pools())
def test_footrule_is_the_distance_of_the_ranks(pool):
    scores, quality, mask = pool
    known = measured(quality, mask)
    raw = footrule(scores, quality, known)
    share = footrule(scores, quality, known, normalised=True)
    for row in range(len(mask)):
        x, y = scores[row][known[row]], quality[row][known[row]]
        if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
            assert np.isnan(raw[row])
            assert np.isnan(share[row])
            continue
        expected = np.abs(stats.rankdata(-x) - stats.rankdata(-y)).sum()
        assert raw[row] == pytest.approx(expected)
        assert share[row] == pytest.approx(expected / (len(x) ** 2 // 2))


@pytest.mark.parametrize("width", [2, 5, 6])
def test_a_reversed_ranking_is_as_far_as_can_be(width):
    quality = np.arange(width)[None].astype(float)
    pool = np.ones((1, width), dtype=bool)
    assert footrule(-quality, quality, pool, normalised=True)[0] == 1
    assert footrule(quality, quality, pool)[0] == 0
    for correlation, _ in CORRELATIONS:
        assert correlation(quality, quality, pool)[0] == pytest.approx(1)
        assert correlation(-quality, quality, pool)[0] == pytest.approx(-1)


@pytest.mark.parametrize("correlation", [pearson, spearman, kendall, footrule])
def test_constants_and_lone_candidates_have_no_correlation(correlation):
    # 0.1 six times: its mean is not exactly 0.1, its deviations are not exactly 0.
    scores = np.array([[0.1] * 6, [1.0, 2, 3, 4, 5, 6], [1.0, 2, 3, 4, 5, 6]])
    quality = np.array([[1.0, 2, 3, 4, 5, 6], [0.1] * 6, [1.0, 2, 3, 4, 5, 6]])
    pool = np.ones((3, 6), dtype=bool)
    pool[2, 1:] = False
    assert np.isnan(correlation(scores, quality, pool)).all()
    assert correlation(np.zeros((0, 6)), np.zeros((0, 6)), pool[:0]).shape == (0,)


def test_pearson_is_the_same_at_any_scale():
    scores, quality, pool = random_pool(2, 20, 6)
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(
            pearson(scores * scale, quality, pool), pearson(scores, quality, pool), atol=1e-9
        )


@pytest.mark.parametrize("correlation", [pearson, spearman, kendall, footrule])
def test_what_stands_outside_the_pool_does_not_matter(correlation):
    scores, quality, pool = random_pool(3, 10, 5)
    for garbage in (np.nan, np.inf, -np.inf, 1e300):
        np.testing.assert_array_equal(
            correlation(np.where(pool, scores, garbage), np.where(pool, quality, garbage), pool),
            correlation(scores, quality, pool),
        )
