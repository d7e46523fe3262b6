import math

import numpy as np
import pytest
from hypothesis import given, settings
from logit_pools import pools

from workbench.aggregation import preferences
from workbench.aggregation.elo import elo
from workbench.aggregation.seeds import random_bits
from workbench.errors import BadValue


def played(L, mask, q, key, k, temperature, seed, sequences):
    """Ratings by a loop over games, written from the definition."""
    D = preferences(L, mask)[q]
    games = [(i, j) for i, j in np.argwhere(~np.isnan(D)) if i < j]
    total = np.zeros(len(D))
    for number in range(sequences):
        draw = {(i, j): random_bits(seed, *map(np.array, (number, key, i, j)))[0] for i, j in games}
        order = sorted(games, key=draw.__getitem__)
        for one_way in (order, order[::-1]):
            ratings = np.zeros(len(D))
            for i, j in one_way:
                if temperature:
                    result = 1 / (1 + math.exp(-D[i, j] / temperature))
                else:
                    result = (1 + np.sign(D[i, j])) / 2
                change = k * (result - 1 / (1 + 10 ** ((ratings[j] - ratings[i]) / 400)))
                ratings[i] += change
                ratings[j] -= change
            total += ratings
    return total / (2 * sequences)


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.5])
@settings(max_examples=20, deadline=None)
@given(pool=pools(holes=True))
def test_elo_equals_a_loop_over_games(temperature, pool):
    L, mask = pool
    keys = np.arange(len(mask)) + 7
    options = {"k": 50.0, "temperature": temperature, "seed": 3, "sequences": 2}
    scores = elo(L, mask, keys=keys, **options)
    for q, key in enumerate(keys):
        expected = played(L, mask, q, key, **options)
        np.testing.assert_allclose(scores[q][mask[q]], expected[mask[q]], atol=2e-6)


def test_one_game_moves_half_of_k_and_the_mean_stays():
    L = np.full((1, 3, 3), np.nan, dtype=np.float32)
    L[0, 0, 1] = 4.0
    mask = np.ones((1, 3), dtype=bool)
    np.testing.assert_array_equal(elo(L, mask, k=32.0, temperature=0.0), [[16, -16, 0]])
    L[0, 0, 1] = 0.0
    np.testing.assert_array_equal(elo(L, mask, k=32.0, temperature=0.0), [[0, 0, 0]])
    L = np.random.default_rng(0).normal(size=(30, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(elo(L, np.ones((30, 8), dtype=bool)).sum(axis=1), 0, atol=1e-5)


def test_what_chance_leaves_is_small_and_smaller_with_more_sequences():
    """Twins, other seeds and other columns: against a spread of some 10 points."""
    L = np.random.default_rng(1).normal(0, 2, (200, 8, 8)).astype(np.float32)
    L[:, 1], L[:, :, 1] = L[:, 0], L[:, :, 0]
    L[:, 0, 1] = L[:, 1, 0] = 0.3
    mask, keys = np.ones((200, 8), dtype=bool), np.arange(200)
    scores = elo(L, mask, keys=keys)
    assert scores.std() > 10
    assert np.abs(scores[:, 0] - scores[:, 1]).max() < 0.1
    assert np.abs(scores - elo(L, mask, keys=keys, seed=1)).max() < 0.1
    turned = elo(L[:, ::-1, ::-1], mask, keys=keys)[:, ::-1]
    assert 0 < np.abs(scores - turned).max() < 0.1
    apart = [
        np.ptp(elo(L, mask, keys=keys, sequences=number)[:, :2], axis=1).mean()
        for number in (1, 20)
    ]
    assert apart[1] < apart[0] / 2


def test_sequences_depend_on_seed_and_key_and_not_on_the_batch():
    L = np.random.default_rng(2).normal(0, 3, (1, 6, 6)).astype(np.float32).repeat(20, axis=0)
    mask = np.ones((20, 6), dtype=bool)
    keys = np.arange(20)
    options = {"k": 200.0, "sequences": 1}
    assert len(np.unique(elo(L, mask, **options), axis=0)) == 1
    own = elo(L, mask, keys=keys, **options)
    assert len(np.unique(own, axis=0)) > 15
    np.testing.assert_allclose(elo(L, mask, keys=keys[::-1], **options)[::-1], own, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [("k", 0.0), ("k", float("inf")), ("sequences", 0), ("temperature", -1.0),
     ("temperature", float("nan")), ("seed", -1), ("keys", np.zeros(3, dtype=int))],
)  # fmt: skip
def test_elo_refuses_parameters_out_of_range(name, value):
    with pytest.raises(BadValue, match=name):
        elo(np.zeros((1, 2, 2)), np.ones((1, 2), dtype=bool), **{name: value})
