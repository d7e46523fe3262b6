import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logit_pools import (
    ALL_SCHEMES,
    ANTISYMMETRIC,
    COLUMN_FREE,
    COMPLETE,
    blanked,
    ordered_pools,
    pools,
    score,
)
from scipy.stats import rankdata

from workbench.aggregation import ranks
from workbench.aggregation.schemes import limit
from workbench.errors import BadValue

few = settings(max_examples=30, deadline=None)
every_scheme = pytest.mark.parametrize("name", ALL_SCHEMES)
complete_schemes = pytest.mark.parametrize("name", COMPLETE)
column_free_schemes = pytest.mark.parametrize("name", COLUMN_FREE)


@every_scheme
@few
@given(pool=pools())
def test_scores_are_finite_inside_the_mask_and_minus_infinity_outside(name, pool):
    L, mask = pool
    scores = score(name, L, mask)
    assert scores.dtype == np.float64
    assert scores.shape == mask.shape
    assert np.isfinite(scores[mask]).all()
    assert (scores[~mask] == -np.inf).all()


@every_scheme
@few
@given(pool=pools())
def test_inputs_stay_as_they_were(name, pool):
    L, mask = pool
    before, real = L.copy(), mask.copy()
    score(name, L, mask)
    np.testing.assert_array_equal(L, before)
    np.testing.assert_array_equal(mask, real)


@complete_schemes
@few
@given(pool=ordered_pools())
def test_a_transitive_order_is_recovered_whole(name, pool):
    L, mask, strengths = pool
    found = ranks(score(name, L, mask), mask)
    for row in range(len(mask)):
        expected = rankdata(-strengths[row][mask[row]], method="min")
        np.testing.assert_array_equal(found[row][mask[row]], expected)


@every_scheme
@few
@given(pool=pools(), data=st.data())
def test_who_beats_all_others_as_clearly_as_any_is_first(name, pool, data):
    L, mask = pool
    best = np.array([data.draw(st.integers(0, L.shape[1] - 1)) for _ in mask])
    rows = np.arange(len(mask))
    mask[rows, best] = True
    L = np.nan_to_num(L)
    L[rows, best, :] = 11.0
    L[rows, :, best] = -11.0
    assert (ranks(score(name, blanked(L, mask), mask), mask)[rows, best] == 1).all()
    alone = (ranks(score(name, blanked(L, mask), mask), mask) == 1).sum(axis=1)
    np.testing.assert_array_equal(alone, 1)


@complete_schemes
@few
@given(pool=pools(), data=st.data())
def test_who_loses_to_all_others_as_clearly_as_any_is_last(name, pool, data):
    L, mask = pool
    worst = np.array([data.draw(st.integers(0, L.shape[1] - 1)) for _ in mask])
    rows = np.arange(len(mask))
    mask[rows, worst] = True
    L = np.nan_to_num(L)
    L[rows, worst, :] = -11.0
    L[rows, :, worst] = 11.0
    found = ranks(score(name, blanked(L, mask), mask), mask)
    np.testing.assert_array_equal(found[rows, worst], mask.sum(axis=1))


@complete_schemes
@few
@given(pool=pools(holes=True))
def test_what_was_not_compared_leaves_finite_scores(name, pool):
    L, mask = pool
    assert np.isfinite(score(name, L, mask)[mask]).all()


@pytest.mark.parametrize("name", ["bradley_terry", "plackett_luce", "rank_centrality", "kemeny"])
@pytest.mark.parametrize("gap", [0.3, 3.0, 30.0])
def test_a_chain_of_comparisons_orders_all(name, gap):
    """Each was compared with its neighbour only: counting cannot tell those between apart."""
    L = np.full((1, 6, 6), np.nan, dtype=np.float32)
    order = np.array([3, 0, 5, 1, 2, 4])
    L[0, order[:-1], order[1:]] = gap
    found = ranks(score(name, L, np.ones((1, 6), dtype=bool)), np.ones((1, 6), dtype=bool))
    np.testing.assert_array_equal(found[0, order], np.arange(1, 7))


@pytest.mark.parametrize("name", ["max_wins", "copeland", "kemeny", "bubble"])
@few
@given(pool=pools(), data=st.data())
def test_who_beats_all_others_by_little_is_first_where_verdicts_count(name, pool, data):
    L, mask = pool
    best = np.array([data.draw(st.integers(0, L.shape[1] - 1)) for _ in mask])
    rows = np.arange(len(mask))
    mask[rows, best] = True
    L = np.nan_to_num(L)
    L[rows, best, :] = 0.01
    L[rows, :, best] = -0.01
    scores = score(name, blanked(L, mask), mask)
    np.testing.assert_array_equal(scores[rows, best], scores.max(axis=1))
    assert ((scores == scores.max(axis=1, keepdims=True)).sum(axis=1) == 1).all()


@column_free_schemes
@few
@given(pool=pools(holes=True), seed=st.integers(0, 1000))
def test_permuted_candidates_have_permuted_scores(name, pool, seed):
    L, mask = pool
    order = np.random.default_rng(seed).permutation(mask.shape[1])
    permuted = score(name, L[:, order][:, :, order], mask[:, order])
    np.testing.assert_array_equal(permuted, score(name, L, mask)[:, order])


@few
@given(pool=ordered_pools(), seed=st.integers(0, 1000))
def test_bubble_finds_the_best_of_transitive_data_in_any_order(pool, seed):
    L, mask, strengths = pool
    scores = score("bubble", L, mask, seed=seed)
    for row in np.flatnonzero(mask.any(axis=1)):
        best = np.where(mask[row], strengths[row], -1).argmax()
        assert scores[row, best] == 1
        assert scores[row][mask[row]].sum() == 1


@pytest.mark.parametrize("name", ANTISYMMETRIC)
@few
@given(pool=pools(holes=True))
def test_negated_logits_negate_the_scores(name, pool):
    L, mask = pool
    forward, backward = score(name, L, mask), score(name, -L, mask)
    np.testing.assert_array_equal(forward[mask], -backward[mask])


@pytest.mark.parametrize("name", ["max_wins", "borda"])
@few
@given(pool=pools())
def test_negated_logits_reverse_the_ranks(name, pool):
    L, mask = pool
    L[L == 0] = 0.125
    forward, backward = score(name, L, mask), score(name, -L, mask)
    for row in np.flatnonzero(mask.any(axis=1)):
        ascending = rankdata(forward[row][mask[row]].round(9))
        descending = rankdata(-backward[row][mask[row]].round(9))
        np.testing.assert_array_equal(ascending, descending)


@every_scheme
@few
@given(pool=pools(), garbage=st.sampled_from([np.nan, np.inf, -np.inf, 1e30]))
def test_masked_columns_change_nothing(name, pool, garbage):
    L, mask = pool
    queries, width = mask.shape
    wide = np.full((queries, width + 2, width + 2), garbage, dtype=np.float32)
    wide[:, :width, :width] = np.where(np.isnan(L), garbage, L)
    wider = np.concatenate([mask, np.zeros((queries, 2), dtype=bool)], axis=1)
    padded = score(name, wide, wider)
    np.testing.assert_array_equal(padded[:, :width], score(name, L, mask))
    assert (padded[:, width:] == -np.inf).all()


@every_scheme
@few
@given(pool=pools())
def test_a_prompt_scores_the_same_alone_and_in_a_batch(name, pool):
    L, mask = pool
    together = score(name, L, mask)
    for row in range(len(mask)):
        alone = score(name, L[row : row + 1], mask[row : row + 1])
        np.testing.assert_allclose(alone[0], together[row], rtol=0, atol=2e-8)


@every_scheme
def test_one_candidate_none_and_no_prompt_at_all(name):
    L = np.full((2, 1, 1), np.nan, dtype=np.float32)
    scores = score(name, L, np.array([[True], [False]]))
    assert np.isfinite(scores[0, 0])
    assert scores[1, 0] == -np.inf
    assert score(name, L[:0], np.zeros((0, 1), dtype=bool)).shape == (0, 1)
    assert score(name, np.zeros((2, 0, 0)), np.zeros((2, 0), dtype=bool)).shape == (2, 0)


@every_scheme
def test_huge_logits_stay_finite_and_ordered(name):
    strengths = np.array([3.0, 1.0, 2.0])
    L = ((strengths[:, None] - strengths[None, :]) * 1e4)[None].astype(np.float32)
    mask = np.ones((1, 3), dtype=bool)
    scores = score(name, L, mask)
    assert np.isfinite(scores).all()
    assert scores.argmax() == 0


@complete_schemes
def test_nothing_compared_is_a_tie_of_all(name):
    L = np.full((1, 4, 4), np.nan, dtype=np.float32)
    scores = score(name, L, np.ones((1, 4), dtype=bool))
    assert len(np.unique(scores)) == 1


@column_free_schemes
@few
@given(pool=pools(widest=5), copies=st.integers(2, 3))
def test_equal_candidates_tie_exactly(name, pool, copies):
    L, mask = pool
    columns = np.concatenate([np.arange(L.shape[1]), np.zeros(copies, dtype=int)])
    twins = columns == 0
    # Irrational logits: only the care taken with rounding makes the twins tie.
    real = np.where(np.isnan(L), 0.0, np.sin(L) * np.pi)[:, columns][:, :, columns]
    real[:, twins[:, None] & twins[None, :]] = 0.0
    whole = mask[:, columns]
    scores = score(name, blanked(real, whole), whole)
    assert (scores[:, twins] == scores[:, :1]).all()


@column_free_schemes
def test_twins_of_wide_pools_tie_exactly(name):
    """Their sums have the same terms in another order, which alone changes the last digit."""
    wide = 20 if limit(name) is None else 12
    L = np.random.default_rng(0).normal(0, 2, (100, wide, wide)).astype(np.float32)
    L[:, :, -1], L[:, -1, :] = L[:, :, 0], L[:, 0, :]
    L[:, 0, -1] = L[:, -1, 0] = 0.3
    mask = np.ones((100, wide), dtype=bool)
    scores = score(name, L, mask)
    np.testing.assert_array_equal(scores[:, 0], scores[:, -1])


@every_scheme
@pytest.mark.parametrize(
    ("L", "mask"),
    [
        (np.zeros((2, 3, 3)), np.ones((2, 4), dtype=bool)),
        (np.zeros((2, 3, 3)), np.ones((2, 3))),
        (np.zeros((2, 3, 3), dtype=int), np.ones((2, 3), dtype=bool)),
        (np.full((1, 2, 2), np.inf), np.ones((1, 2), dtype=bool)),
    ],
    ids=["shape", "mask type", "logit type", "infinite"],
)
def test_arrays_that_break_the_contract_are_refused(name, L, mask):
    with pytest.raises(BadValue):
        score(name, L, mask)
