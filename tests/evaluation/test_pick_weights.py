from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_pools import quality_pools, random_pool

from workbench.errors import BadValue
from workbench.evaluation import pick_quality, pick_weights, top_k_best, top_k_mean
from workbench.evaluation.measured import measured

few = settings(max_examples=50, deadline=None)


def possible_tops(scores, members, k):
    """Every set of k members that some breaking of ties picks; all are equally likely."""
    k = min(k, len(members))
    border = sorted((scores[m] for m in members), reverse=True)[k - 1]
    certain = [m for m in members if scores[m] > border]
    tied = [m for m in members if scores[m] == border]
    return [[*certain, *rest] for rest in combinations(tied, k - len(certain))]


@few
@given(pool=quality_pools(), k=st.integers(1, 7))
def test_weights_are_the_chances_over_all_ways_to_break_ties(pool, k):
    scores, _, mask = pool
    weights = pick_weights(scores, mask, k)
    for row in range(len(mask)):
        members = np.flatnonzero(mask[row])
        expected = np.zeros(mask.shape[1])
        tops = possible_tops(scores[row], members, k) if len(members) else []
        for top in tops:
            expected[top] += 1 / len(tops)
        np.testing.assert_allclose(weights[row], expected, atol=1e-12)
        assert weights[row].sum() == pytest.approx(min(k, len(members)))


@few
@given(pool=quality_pools(), k=st.integers(1, 7))
def test_top_k_best_and_mean_are_the_expectations_over_all_ways_to_break_ties(pool, k):
    scores, quality, mask = pool
    best = top_k_best(scores, quality, mask, k)
    mean = top_k_mean(scores, quality, mask, k)
    known = measured(quality, mask)
    for row in range(len(mask)):
        members = np.flatnonzero(known[row])
        if not len(members):
            assert np.isnan(best[row])
            assert np.isnan(mean[row])
            continue
        tops = possible_tops(scores[row], members, k)
        assert best[row] == pytest.approx(np.mean([quality[row, top].max() for top in tops]))
        assert mean[row] == pytest.approx(np.mean([quality[row, top].mean() for top in tops]))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_top_k_best_of_many_tied_pools(k):
    scores, quality, mask = random_pool(k, 80, 7, levels=1)
    best = top_k_best(scores, quality, mask, k)
    for row in np.flatnonzero(mask.any(axis=1)):
        tops = possible_tops(scores[row], np.flatnonzero(mask[row]), k)
        assert best[row] == pytest.approx(np.mean([quality[row, top].max() for top in tops]))


@few
@given(pool=quality_pools())
def test_top_one_best_mean_and_pick_are_one_figure(pool):
    scores, quality, mask = pool
    pick = pick_quality(pick_weights(scores, measured(quality, mask)), quality)
    np.testing.assert_allclose(top_k_best(scores, quality, mask, 1), pick, atol=1e-12)
    np.testing.assert_allclose(top_k_mean(scores, quality, mask, 1), pick, atol=1e-12)


def test_no_candidate_wins_by_its_place():
    scores = np.array([[2.0, 2.0, 1.0, 2.0]])
    mask = np.ones((1, 4), dtype=bool)
    np.testing.assert_allclose(pick_weights(scores, mask), [[1 / 3, 1 / 3, 0, 1 / 3]])
    np.testing.assert_allclose(
        pick_weights(scores[:, ::-1], mask)[:, ::-1], pick_weights(scores, mask)
    )


def test_picks_of_equal_quality_have_exactly_that_quality():
    quality = np.full((1, 3), 0.1)
    weights = np.full((1, 3), 1 / 3)
    assert pick_quality(weights, quality)[0] == 0.1


def test_inputs_stay_as_they_were_and_no_candidates_give_nan():
    scores, quality = np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([[1.0, np.nan], [1.0, 3.0]])
    mask = np.array([[False, True], [True, True]])
    kept = scores.copy(), quality.copy(), mask.copy()
    np.testing.assert_array_equal(top_k_best(scores, quality, mask, 2), [np.nan, 3.0])
    np.testing.assert_array_equal(top_k_mean(scores, quality, mask, 2), [np.nan, 2.0])
    for after, before in zip((scores, quality, mask), kept, strict=True):
        np.testing.assert_array_equal(after, before)


def test_what_cannot_be_picked_from_is_refused():
    mask = np.ones((1, 2), dtype=bool)
    with pytest.raises(BadValue, match="k = 0"):
        pick_weights(np.zeros((1, 2)), mask, 0)
    with pytest.raises(BadValue, match=r"score\[0, 1\]"):
        pick_weights(np.array([[1.0, np.nan]]), mask)
    with pytest.raises(BadValue, match="shape"):
        pick_weights(np.zeros((1, 3)), mask)
    with pytest.raises(BadValue, match="shape"):
        top_k_mean(np.zeros((1, 2)), np.zeros((2, 2)), mask, 1)
