import numpy as np
import pytest
from hypothesis import given, settings
from logit_pools import pools

from workbench.aggregation import preferences
from workbench.aggregation.bradley_terry import bradley_terry
from workbench.aggregation.rank_centrality import rank_centrality
from workbench.errors import BadValue


@pytest.mark.parametrize(("alpha", "temperature"), [(0.01, 1.0), (0.5, 3.0)])
@settings(max_examples=30, deadline=None)
@given(pool=pools(holes=True))
def test_scores_are_the_logarithm_of_where_a_long_walk_is_found(alpha, temperature, pool):
    L, mask = pool
    scores = rank_centrality(L, mask, alpha=alpha, temperature=temperature)
    for q in np.flatnonzero(mask.any(axis=1)):
        members = np.flatnonzero(mask[q])
        n = len(members)
        D = preferences(L, mask)[q][np.ix_(members, members)]
        rates = np.where(np.isnan(D), 0, 1 / (1 + np.exp(np.nan_to_num(D) / temperature))) + alpha
        np.fill_diagonal(rates, 0)
        walk = rates / (n * (1 + alpha))
        walk += np.diag(1 - walk.sum(axis=1))
        found = np.linalg.matrix_power(walk, 2**16).mean(axis=0)
        np.testing.assert_allclose(np.exp(scores[q, members]), n * found / found.sum(), atol=1e-6)


def test_differences_of_strengths_give_the_strengths_back():
    """Bradley–Terry's chain is reversible: its stationary distribution is exp(strength)."""
    rng = np.random.default_rng(0)
    strengths = rng.normal(0, 2, (20, 8))
    L = strengths[:, :, None] - strengths[:, None, :]
    L[rng.random(L.shape) < 0.3] = np.nan
    mask = np.ones((20, 8), dtype=bool)
    scores = rank_centrality(L, mask, alpha=1e-9)
    scores -= scores.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(scores, strengths - strengths.mean(axis=1)[:, None], atol=1e-4)
    likely = bradley_terry(L, mask, prior=1e-8)
    np.testing.assert_allclose(scores, likely, atol=1e-4)


def test_who_was_not_compared_has_an_equal_share_and_islands_do_not_matter():
    L = np.full((1, 5, 5), np.nan, dtype=np.float32)
    L[0, 0, 1] = L[0, 2, 3] = 3.0  # two islands and one alone
    scores = rank_centrality(L, np.ones((1, 5), dtype=bool))
    assert scores[0, 4] == 0
    assert scores[0, 0] == scores[0, 2] > 0 > scores[0, 1] == scores[0, 3]


def test_a_win_against_a_winner_counts_for_more():
    # Each of 1 and 2 has one win and no other game, against the first and against the last.
    L = np.full((1, 5, 5), np.nan, dtype=np.float32)
    L[0, 0, 3] = L[0, 0, 4] = L[0, 1, 0] = L[0, 2, 4] = 1.0
    scores = rank_centrality(L, np.ones((1, 5), dtype=bool))
    assert scores[0, 1] > scores[0, 2]


def test_rank_centrality_of_a_public_library():
    choix = pytest.importorskip("choix")
    rng = np.random.default_rng(3)
    wins = rng.integers(1, 6, (10, 6, 6))
    L = np.log(wins / wins.transpose(0, 2, 1)).astype(np.float64)
    scores = rank_centrality(L, np.ones((10, 6), dtype=bool), alpha=1e-12)
    for q in range(10):
        data = [(i, j) for i, j in np.ndindex(6, 6) if i != j for _ in range(wins[q, i, j])]
        expected = choix.rank_centrality(6, data)
        np.testing.assert_allclose(scores[q] - scores[q].mean(), expected, atol=1e-8)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["alpha", "temperature"])
def test_rank_centrality_refuses_parameters_out_of_range(name, value):
    with pytest.raises(BadValue, match=name):
        rank_centrality(np.zeros((1, 2, 2)), np.ones((1, 2), dtype=bool), **{name: value})
