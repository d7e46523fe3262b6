import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue
from workbench.evaluation.calibration import best_shares, min_max, reliability


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_bins_equal_a_loop_over_predictions(seed, bins):
    rng = np.random.default_rng(seed)
    predicted, observed = rng.random((2, 30, 3)).round(1)
    observed[rng.random(observed.shape) < 0.3] = np.nan
    found = reliability(predicted, observed, bins=bins, resamples=20)
    inside = [[] for _ in range(bins)]
    for p, o in zip(predicted.ravel(), observed.ravel(), strict=True):
        if np.isfinite(o):
            inside[min(int(p * bins), bins - 1)].append((p, o))
    error, total = 0.0, sum(map(len, inside))
    for b, pairs in enumerate(inside):
        assert found.count[b] == len(pairs)
        if pairs:
            p, o = np.mean(pairs, axis=0)
            assert found.predicted[b] == pytest.approx(p)
            assert found.observed[b] == pytest.approx(o)
            error += len(pairs) / total * abs(p - o)
        else:
            assert np.isnan(found.predicted[b])
    assert found.error.value == pytest.approx(error, abs=1e-9)


def test_calibrated_probabilities_have_a_small_error_and_bold_ones_a_large_one():
    rng = np.random.default_rng(0)
    chance = rng.dirichlet([1, 1, 1], 4000)
    best = (rng.random(4000)[:, None] > chance.cumsum(axis=1)).sum(axis=1)
    rewards = np.eye(3)[best]
    sure = np.eye(3)[chance.argmax(axis=1)]
    honest = reliability(chance, best_shares(rewards), resamples=200).error
    bold = reliability(sure, best_shares(rewards), resamples=200).error
    assert honest.high < 0.05
    assert bold.low > 0.15
    assert reliability(rewards, best_shares(rewards)).error.value == 0


def test_the_best_share_ties_and_leave_out_what_is_not_known():
    rewards = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0], [np.nan, 3.0, 1.0], [np.nan] * 3])
    expected = [[0.5, 0.5, 0], [np.nan] * 3, [np.nan, 1, 0], [np.nan] * 3]
    np.testing.assert_array_equal(best_shares(rewards), expected)


def test_min_max_keeps_the_order_and_the_ends():
    values = np.array([[2.0, -np.inf], [np.nan, 6.0], [3.0, 4.0]])
    np.testing.assert_allclose(min_max(values), [[0, np.nan], [np.nan, 1], [0.25, 0.5]])
    np.testing.assert_array_equal(min_max(np.full((1, 2), 7.0)), [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("predicted", "observed", "bins", "message"),
    [
        (np.full((2, 2), 1.5), np.ones((2, 2)), 10, "prediction = 1.5"),
        (np.full((2, 2), np.nan), np.ones((2, 2)), 10, "prediction = nan"),
        (np.ones((2, 2)), np.full((2, 2), np.nan), 10, "observations"),
        (np.ones((2, 2)), np.ones((2, 3)), 10, "shapes"),
        (np.ones((2, 2)), np.ones((2, 2)), 0, "bins = 0"),
    ],
)
def test_what_cannot_be_binned_is_refused(predicted, observed, bins, message):
    with pytest.raises(BadValue, match=message):
        reliability(predicted, observed, bins=bins)
