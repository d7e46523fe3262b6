import numpy as np
import pytest
from scipy.optimize import minimize

from workbench.aggregation import newton, preferences
from workbench.aggregation.bradley_terry import bradley_terry
from workbench.aggregation.plackett_luce import plackett_luce
from workbench.errors import BadValue, NotConverged


def rankings(L, mask, q):
    """What each opponent says: [(candidate, margin)], the opponent itself at 0."""
    D = preferences(L, mask)[q]
    for opponent in np.flatnonzero(mask[q]):
        margins = {opponent: 0.0}
        margins |= {j: D[j, opponent] for j in np.flatnonzero(~np.isnan(D[:, opponent]))}
        yield margins


def most_likely(L, mask, q, prior):
    said = list(rankings(L, mask, q))

    def loss(theta):
        total = prior / 2 * (theta**2).sum()
        for margins in said:
            for i, margin in margins.items():
                left = [j for j, other in margins.items() if other <= margin]
                total += np.log(np.exp(theta[left]).sum()) - theta[i]
        return total

    return minimize(loss, np.zeros(mask.shape[1]), tol=1e-12).x


@pytest.mark.parametrize("prior", [0.05, 0.1, 2.0])
def test_plackett_luce_equals_a_general_optimiser(prior):
    rng = np.random.default_rng(3)
    mask = np.array([[True, True, False, True, True, True]])
    for _ in range(4):
        L = rng.integers(-3, 4, (1, 6, 6)).astype(np.float32)
        L[rng.random(L.shape) < 0.3] = np.nan
        expected = most_likely(L, mask, 0, prior)[mask[0]]
        scores = plackett_luce(L, mask, prior=prior)[mask]
        np.testing.assert_allclose(scores, expected - expected.mean(), atol=2e-4)


def test_plackett_luce_of_a_public_library():
    choix = pytest.importorskip("choix")
    L = np.random.default_rng(0).normal(size=(5, 7, 7)).astype(np.float32)
    mask = np.ones((5, 7), dtype=bool)
    scores = plackett_luce(L, mask, prior=0.2)
    for q in range(5):
        said = [sorted(margins, key=lambda j: -margins[j]) for margins in rankings(L, mask, q)]
        # The library subtracts alpha Σ θ², not half of it.
        expected = choix.opt_rankings(7, said, alpha=0.1, tol=1e-12)
        np.testing.assert_allclose(scores[q], expected - expected.mean(), atol=1e-5)


def test_one_opponent_each_is_bradley_terry_with_verdicts_counted_twice():
    L = np.full((1, 5, 5), np.nan, dtype=np.float32)
    L[0, 0, 1], L[0, 3, 2] = 0.4, 7.0
    mask = np.ones((1, 5), dtype=bool)
    verdicts = bradley_terry(L, mask, prior=0.1, temperature=1e-3)
    np.testing.assert_allclose(plackett_luce(L, mask, prior=0.2), verdicts, atol=1e-6)


def test_only_the_order_of_an_opponent_s_margins_counts():
    L = np.random.default_rng(1).normal(size=(10, 6, 6))
    L -= L.transpose(0, 2, 1).copy()
    mask = np.ones((10, 6), dtype=bool)
    np.testing.assert_array_equal(plackett_luce(L**3, mask), plackett_luce(L, mask))


def test_a_prompt_that_does_not_settle_is_told(monkeypatch):
    monkeypatch.setattr(newton, "MAX_STEPS", 1)
    L = np.array([[[np.nan, 3.0], [-3.0, np.nan]]], dtype=np.float32)
    with pytest.raises(NotConverged, match="plackett_luce"):
        plackett_luce(L, np.ones((1, 2), dtype=bool))


def test_chunks_of_prompts_change_nothing(monkeypatch):
    L = np.random.default_rng(2).normal(size=(40, 5, 5)).astype(np.float32)
    mask = np.ones((40, 5), dtype=bool)
    whole = plackett_luce(L, mask)
    monkeypatch.setattr("workbench.aggregation.plackett_luce.CHUNK", 400)
    np.testing.assert_allclose(plackett_luce(L, mask), whole, atol=2e-8)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_plackett_luce_refuses_a_prior_out_of_range(value):
    with pytest.raises(BadValue, match="prior"):
        plackett_luce(np.zeros((1, 2, 2)), np.ones((1, 2), dtype=bool), prior=value)
