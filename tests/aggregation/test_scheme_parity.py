"""Each formula against a version with loops, written from the definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from logit_pools import COMPLETE, pools, score
from scipy.optimize import minimize

from workbench.aggregation import newton, preferences, ranks
from workbench.aggregation.borda import borda
from workbench.aggregation.bradley_terry import bradley_terry
from workbench.errors import BadValue, NotConverged

few = settings(max_examples=40, deadline=None)


def naive_preference(L, q, i, j):
    a, b = float(L[q, i, j]), float(L[q, j, i])
    if math.isnan(a) and math.isnan(b):
        return None
    if math.isnan(a):
        return -b
    return a if math.isnan(b) else (a - b) / 2


def naive(name, L, mask, q, i):
    others = [j for j in range(L.shape[1]) if j != i and mask[q, j]]
    D = [d for j in others if (d := naive_preference(L, q, i, j)) is not None]
    if name == "max_logits":
        return 2 * sum(D)
    if name == "copeland":
        return sum(int(d > 0) - int(d < 0) for d in D)
    if name == "max_wins":
        return sum(int(L[q, i, j] > 0) + int(L[q, j, i] < 0) for j in others)
    chances = []
    for j in others:
        sides = [1 / (1 + math.exp(-x)) for x in (L[q, i, j], -L[q, j, i]) if not math.isnan(x)]
        chances += [sum(sides) / len(sides)] if sides else []
    return sum(chances) / len(chances) if chances else 0.5


@pytest.mark.parametrize("name", ["max_logits", "max_wins", "copeland", "borda"])
@few
@given(pool=pools(holes=True))
def test_counting_schemes_equal_their_loops(name, pool):
    L, mask = pool
    scores = score(name, L, mask)
    for q, i in np.argwhere(mask):
        assert scores[q, i] == pytest.approx(naive(name, L, mask, q, i), abs=1e-9)


@few
@given(pool=pools(holes=True))
def test_preferences_are_antisymmetric_and_use_what_there_is(pool):
    L, mask = pool
    D = preferences(L, mask)
    np.testing.assert_array_equal(D, -D.transpose(0, 2, 1))
    for q, i, j in np.ndindex(*L.shape):
        expected = naive_preference(L, q, i, j)
        assert np.isnan(D[q, i, j]) if expected is None else D[q, i, j] == expected


def naive_bradley_terry(L, members, prior, temperature):
    pairs = []
    for x, i in enumerate(members):
        for y, j in enumerate(members):
            d = naive_preference(L, 0, i, j) if x < y else None
            if d is not None:
                pairs.append((x, y, 1 / (1 + math.exp(-d / temperature))))

    def loss(theta):
        total = prior / 2 * (theta**2).sum()
        for x, y, p in pairs:
            gap = theta[x] - theta[y]
            total += p * np.logaddexp(0, -gap) + (1 - p) * np.logaddexp(0, gap)
        return total

    return minimize(loss, np.zeros(len(members)), tol=1e-12).x


@pytest.mark.parametrize(("prior", "temperature"), [(0.1, 1.0), (1.0, 2.0), (0.02, 0.5)])
def test_bradley_terry_equals_a_general_optimiser(prior, temperature):
    rng = np.random.default_rng(3)
    for _ in range(4):
        L = rng.normal(0, 2, (1, 6, 6)).astype(np.float32)
        L[rng.random(L.shape) < 0.3] = np.nan
        mask = np.array([[True, True, False, True, True, True]])
        scores = bradley_terry(L, mask, prior=prior, temperature=temperature)
        expected = naive_bradley_terry(L, [0, 1, 3, 4, 5], prior, temperature)
        np.testing.assert_allclose(scores[mask], expected - expected.mean(), atol=2e-4)


def test_bradley_terry_is_centred_and_its_gradient_vanishes():
    rng = np.random.default_rng(0)
    L = rng.normal(0, 3, (50, 7, 7)).astype(np.float32)
    mask = rng.random((50, 7)) < 0.8
    theta = bradley_terry(L, mask, prior=0.3)
    theta[~mask] = 0
    np.testing.assert_allclose(theta.sum(axis=1), 0, atol=1e-6)
    D = preferences(L, mask)
    gap = theta[:, :, None] - theta[:, None, :]
    surplus = np.where(np.isnan(D), 0, 1 / (1 + np.exp(-D)) - 1 / (1 + np.exp(-gap)))
    np.testing.assert_allclose(surplus.sum(axis=2), 0.3 * theta, atol=1e-6)


def test_a_larger_prior_draws_separable_strengths_together():
    strengths = np.arange(5.0) * 1e3
    L = (strengths[:, None] - strengths[None, :])[None].astype(np.float32)
    mask = np.ones((1, 5), dtype=bool)
    spread = [np.ptp(bradley_terry(L, mask, prior=prior)) for prior in (1e-3, 0.1, 10.0)]
    assert np.isfinite(spread).all()
    assert spread[0] > spread[1] > spread[2] > 0


def test_bradley_terry_says_where_it_does_not_converge(monkeypatch):
    monkeypatch.setattr(newton, "MAX_STEPS", 1)
    L = np.array([[[np.nan, 3.0], [-3.0, np.nan]]], dtype=np.float32)
    with pytest.raises(NotConverged, match="1 prompts"):
        bradley_terry(L, np.ones((1, 2), dtype=bool))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["prior", "temperature"])
def test_bradley_terry_refuses_parameters_out_of_range(name, value):
    with pytest.raises(BadValue, match=name):
        bradley_terry(np.zeros((1, 2, 2)), np.ones((1, 2), dtype=bool), **{name: value})


def test_temperature_leads_from_copeland_to_max_logits():
    # 0 beats both others by a little; 1 beats 2 by very much.
    L = np.zeros((1, 3, 3), dtype=np.float32)
    L[0, 0, 1] = L[0, 0, 2] = 0.5
    L[0, 1, 2] = 9.0
    L -= L.transpose(0, 2, 1).copy()
    mask = np.ones((1, 3), dtype=bool)
    assert bradley_terry(L, mask, temperature=0.01).argmax() == score("copeland", L, mask).argmax()
    assert bradley_terry(L, mask, temperature=100.0).argmax() == 1
    assert score("max_logits", L, mask).argmax() == 1


def test_borda_weighs_a_presentation_as_a_probability():
    L = np.array([[[np.nan, 100.0], [1.0, np.nan]]], dtype=np.float32)
    scores = borda(L, np.ones((1, 2), dtype=bool))
    right = 1 - 1 / (1 + math.exp(-1.0))
    np.testing.assert_allclose(scores, [[(1 + right) / 2, (1 - right) / 2]], atol=1e-9)


def test_max_logits_of_the_reference_code():
    """What the reference code gave for a checkpoint of random weights; the middle two are one text.

    It divides by the number of candidates, 4.
    """
    logits = [
        [0.0, 0.435253, 0.435253, 1.961195],
        [1.018508, 0.0, -0.247974, -0.182413],
        [1.018508, -0.247974, 0.0, -0.182413],
        [-1.922202, 3.133545, 3.133545, 0.0],
    ]
    L = np.array([logits], dtype=np.float32)
    mask = np.ones((1, 4), dtype=bool)
    scores = score("max_logits", L, mask)
    np.testing.assert_allclose(scores, [[2.71689, -2.7327, -2.7327, 2.74852]], atol=1e-4)
    np.testing.assert_array_equal(ranks(scores, mask), [[2, 3, 3, 1]])


def test_every_scheme_is_in_a_parity_test():
    here = {"max_logits", "max_wins", "copeland", "borda", "bradley_terry"}
    elsewhere = {"elo", "kemeny", "plackett_luce", "rank_centrality"}
    assert set(COMPLETE) == here | elsewhere
