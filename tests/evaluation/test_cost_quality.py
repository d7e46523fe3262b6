import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import BadValue
from workbench.evaluation.cost_quality import aiq, evaluate_cost_quality, hull


@st.composite
def points(draw):
    """(cost, quality) of a few points, many of equal cost or quality."""
    n = draw(st.integers(1, 8))
    values = hnp.arrays(np.float64, n, elements=st.integers(0, 6))
    return draw(values), draw(values)


def naive_at(cost, quality, asked):
    """The best of all coins between two points whose mean cost is no more than asked."""
    best = -np.inf
    for i in range(len(cost)):
        for j in range(len(cost)):
            if cost[i] > asked:
                continue
            share = 1.0 if cost[j] <= asked else (asked - cost[i]) / (cost[j] - cost[i])
            best = max(best, quality[i] + share * (quality[j] - quality[i]))
    return best


@settings(max_examples=80, deadline=None)
@given(points(), st.integers(0, 24))
def test_the_hull_is_the_best_that_a_coin_can_buy(given_points, quarter):
    cost, quality = given_points
    found, asked = hull(cost, quality), quarter / 4
    if asked < cost.min():
        assert np.isnan(found.at(asked))
    else:
        assert found.at(asked) == pytest.approx(naive_at(cost, quality, asked))


@settings(max_examples=80, deadline=None)
@given(points())
def test_corners_are_points_concave_and_rising(given_points):
    cost, quality = given_points
    found = hull(cost, quality)
    np.testing.assert_array_equal(found.cost, cost[found.points])
    np.testing.assert_array_equal(found.quality, quality[found.points])
    slopes = np.diff(found.quality) / np.diff(found.cost)
    assert (slopes > 0).all()
    assert (np.diff(slopes) < 0).all()
    assert found.quality[-1] == quality.max()
    again = hull(np.append(cost, found.cost), np.append(quality, found.quality - 1))
    np.testing.assert_array_equal(again.cost, found.cost)


def test_aiq_is_the_mean_height():
    found = hull(np.array([1.0, 3.0, 2.0, 5.0]), np.array([0.2, 0.6, 0.1, 0.5]))
    np.testing.assert_array_equal(found.points, [0, 1])
    assert aiq(found, 1, 3) == pytest.approx(0.4)
    assert aiq(found, 1, 5) == pytest.approx((0.4 * 2 + 0.6 * 2) / 4)
    assert aiq(found, 3, 5) == pytest.approx(0.6)
    steps = np.linspace(1, 5, 100_001)
    assert aiq(found, 1, 5) == pytest.approx(found.at(steps).mean(), abs=1e-5)
    with pytest.raises(BadValue, match="at least 1"):
        aiq(found, 0, 5)
    with pytest.raises(BadValue, match="range of costs"):
        aiq(found, 2, 2)


@pytest.mark.parametrize(
    ("cost", "quality", "message"),
    [
        ([], [], "shapes"),
        ([1.0], [1.0, 2.0], "shapes"),
        ([1.0, np.nan], [1.0, 2.0], r"cost\[1\] = nan"),
        ([1.0, 2.0], [np.inf, 2.0], r"quality\[0\] = inf"),
    ],
)
def test_what_is_no_point_is_refused(cost, quality, message):
    with pytest.raises(BadValue, match=message):
        hull(np.array(cost), np.array(quality))


def test_a_router_that_knows_lifts_the_hull_and_a_blind_one_does_not():
    rng = np.random.default_rng(0)
    prompts, cost = 300, np.tile([1.0, 4.0], (300, 1))
    quality = np.stack([rng.random(prompts) < 0.5, rng.random(prompts) < 0.8], axis=1) * 1.0
    needed = quality[:, 1] > quality[:, 0]
    coin = rng.random(prompts) < 0.5

    def route(strong):
        return tuple(
            np.stack([np.where(strong, part[:, 1], part[:, 0]), part[:, 1]], axis=1)
            for part in (cost, quality)
        )

    found = evaluate_cost_quality(
        {"oracle": route(needed), "coin": route(coin), "zero": (cost, quality)}, cost, quality,
        resamples=200,
    )  # fmt: skip
    zero = hull(cost.mean(axis=0), quality.mean(axis=0))
    assert found["zero_router"]["aiq"].value == pytest.approx(aiq(zero, 1, 4))
    assert found["oracle"]["vs_zero_router"].low > 0.1
    assert found["oracle"]["vs_zero_router_p"].value < 0.02
    assert found["coin"]["vs_zero_router"].low < 0.01
    assert found["zero"]["vs_zero_router"].value == found["zero"]["vs_zero_router"].high == 0
    assert found["zero"]["vs_zero_router_p"].value == 1
    sums = found["zero_router"]["aiq"].value + found["oracle"]["vs_zero_router"].value
    assert found["oracle"]["aiq"].value == pytest.approx(sums)


def test_a_router_worse_than_the_zero_router_is_told_so():
    cost, quality = np.tile([1.0, 2.0, 4.0], (9, 1)), np.tile([0.0, 0.5, 0.6], (9, 1))
    found = evaluate_cost_quality({"bad": (cost[:, 2:], quality[:, 2:])}, cost, quality)
    assert found["bad"]["vs_zero_router"].high < 0


def test_a_prompt_with_an_unknown_cost_is_left_out_of_all():
    cost, quality = np.tile([1.0, 2.0], (4, 1)), np.tile([0.0, 1.0], (4, 1))
    own = cost[:, :1].copy()
    own[2] = np.nan
    quality[2] = 77
    found = evaluate_cost_quality({"it": (own, quality[:, :1])}, cost, quality)
    assert found["zero_router"]["aiq"].n == found["it"]["aiq"].n == 3
    assert found["zero_router"]["aiq"].value == pytest.approx(0.5)
    with pytest.raises(BadValue, match="at least one"):
        evaluate_cost_quality({}, cost * np.nan, quality)
    with pytest.raises(BadValue, match="different ones"):
        evaluate_cost_quality({}, np.ones((4, 2)), quality)
    with pytest.raises(BadValue, match="shapes of cost and quality of 'it'"):
        evaluate_cost_quality({"it": (own[1:], quality[1:, :1])}, cost, quality)
