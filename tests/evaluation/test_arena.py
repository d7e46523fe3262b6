import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue
from workbench.evaluation.arena import HIGH, LOW, arena_score, cheapness


@pytest.mark.parametrize(
    ("accuracy", "cost", "published"),
    [
        (66.88, 0.15, 66.89),  # MIRT-BERT
        (68.09, 0.54, 66.66),  # Azure-Router
        (66.34, 0.21, 66.12),  # NIRT-BERT
        (73.96, 10.02, 64.32),  # GPT-5
    ],
)
def test_scores_of_routerarenas_leaderboard(accuracy, cost, published):
    """github.com/RouteWorks/RouterArena, README of 2025; its costs are rounded to cents."""
    assert 100 * arena_score(accuracy / 100, cost) == pytest.approx(published, abs=0.05)


def test_costs_are_clamped():
    np.testing.assert_allclose(cheapness(np.array([0, LOW / 2, LOW, HIGH, 1e9])), [1, 1, 1, 0, 0])
    assert cheapness(np.sqrt(LOW * HIGH)) == pytest.approx(0.5)
    assert arena_score(0.7, HIGH) == 0
    assert arena_score(0.0, HIGH) == 0
    assert arena_score(1.0, 0.0) == pytest.approx(1)
    assert np.isnan(arena_score(0.7, np.nan))


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 1), st.floats(0.005, 190), st.floats(0.01, 10))
def test_it_is_a_weighted_harmonic_mean(accuracy, cost, beta):
    c = float(cheapness(cost))
    score = float(arena_score(accuracy, cost, beta=beta))
    assert 1 / score == pytest.approx((1 / accuracy + beta / c) / (1 + beta))
    assert min(accuracy, c) - 1e-12 <= score <= max(accuracy, c) + 1e-12
    assert arena_score(accuracy, cost * 1.05, beta=beta) < score
    assert arena_score(accuracy * 0.9, cost, beta=beta) < score


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((66.88, 1.0), "accuracy = 66.88"),
        ((-0.1, 1.0), "accuracy"),
        ((0.5, -1.0), "cost = -1.0"),
    ],
)
def test_what_is_out_of_range_is_named(arguments, message):
    with pytest.raises(BadValue, match=message):
        arena_score(*arguments)
    with pytest.raises(BadValue, match="beta"):
        arena_score(0.5, 1.0, beta=0)
    with pytest.raises(BadValue, match="0 < low < high"):
        cheapness(1.0, low=2, high=1)
