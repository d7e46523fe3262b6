import numpy as np
import pytest
from hypothesis import given, settings
from quality_pools import quality_pools
from scipy.stats import rankdata

from workbench.evaluation import pick_weights
from workbench.evaluation.answer_measures import answer_competition_rank
from workbench.evaluation.measured import measured
from workbench.evaluation.pick_measures import (
    at_least_as_good,
    pick_competition_rank,
    pick_in_top,
    pick_rank,
)

few = settings(max_examples=50, deadline=None)


@few
@given(pool=quality_pools())
def test_rank_top_share_and_comparison_equal_their_loops(pool):
    scores, quality, mask = pool
    known = measured(quality, mask)
    weights = pick_weights(scores, known)
    others = pick_weights(np.where(mask, np.arange(mask.shape[1]) * 1.0, 0.0), known)
    rank = pick_rank(weights, quality, known)
    place = pick_competition_rank(weights, quality, known)
    top = pick_in_top(weights, quality, known, 3)
    wins = at_least_as_good(weights, others, quality, known)
    for row in range(len(mask)):
        members = np.flatnonzero(known[row])
        q, w, v = quality[row, members], weights[row, members], others[row, members]
        if len(members) < 2:
            assert np.isnan(rank[row])
            assert np.isnan(place[row])
            assert np.isnan(top[row])
        else:
            assert rank[row] == pytest.approx((w * rankdata(-q)).sum())
            assert place[row] == pytest.approx((w * rankdata(-q, method="min")).sum())
            assert top[row] == pytest.approx((w * (rankdata(-q, method="min") <= 3)).sum())
        if len(members):
            pairs = [(w[i] * v[j], q[i] >= q[j]) for i in range(len(q)) for j in range(len(q))]
            assert wins[row] == pytest.approx(sum(chance for chance, won in pairs if won))
        else:
            assert np.isnan(wins[row])


@few
@given(pool=quality_pools())
def test_a_random_pick_has_the_middle_rank_whatever_the_ties(pool):
    _, quality, mask = pool
    known = measured(quality, mask)
    rank = pick_rank(pick_weights(np.zeros(mask.shape), known), quality, known)
    n = known.sum(axis=1)
    np.testing.assert_allclose(rank[n >= 2], (n[n >= 2] + 1) / 2)


def test_a_system_without_an_answer_is_no_comparison():
    quality = np.array([[1.0, 2.0], [1.0, 2.0]])
    pool = np.ones((2, 2), dtype=bool)
    named = np.array([[0.0, 0.0], [0.0, 1.0]])
    wins = at_least_as_good(np.array([[0.0, 1.0], [0.5, 0.5]]), named, quality, pool)
    np.testing.assert_array_equal(wins, [np.nan, 0.5])


@few
@given(pool=quality_pools())
def test_an_answer_as_good_as_a_candidate_has_its_competition_rank(pool):
    _, quality, mask = pool
    known = measured(quality, mask)
    for place in range(mask.shape[1]):
        own = np.zeros(mask.shape)
        own[:, place] = 1.0
        ranks = pick_competition_rank(own, quality, known)
        found = answer_competition_rank(quality[:, place], quality, known)
        np.testing.assert_array_equal(found, np.where(known[:, place], ranks, np.nan))
