import numpy as np
import pytest
from hypothesis import given, settings
from logit_pools import pools

from workbench.aggregation import apply_order, preferences, prompt_keys
from workbench.aggregation.seeds import random_bits
from workbench.errors import BadValue, UnknownName

few = settings(max_examples=30, deadline=None)


def both(L):
    return ~np.isnan(L) & ~np.isnan(L.transpose(0, 2, 1))


@few
@given(pool=pools())
def test_random_keeps_exactly_one_presentation_of_each_pair(pool):
    L, _ = pool
    before = L.copy()
    kept = apply_order(L, "random", 1, np.arange(len(L)))
    assert kept.dtype == L.dtype
    np.testing.assert_array_equal(L, before)
    there = ~np.isnan(kept)
    np.testing.assert_array_equal(there ^ there.transpose(0, 2, 1), both(L))
    np.testing.assert_array_equal(kept[there], L[there])


@few
@given(pool=pools(holes=True))
def test_random_never_loses_a_pair_that_was_compared_once(pool):
    L, mask = pool
    kept = apply_order(L, "random", 4)
    np.testing.assert_array_equal(np.isnan(preferences(kept, mask)), np.isnan(preferences(L, mask)))
    np.testing.assert_array_equal(apply_order(kept, "random", 5), kept)


@few
@given(pool=pools())
def test_left_keeps_the_earlier_column_on_the_left(pool):
    L, _ = pool
    np.testing.assert_array_equal(
        apply_order(L, "left"), np.where(np.triu(np.ones(L.shape[1:], bool), 1), L, np.nan)
    )
    assert apply_order(L, "both") is L


def test_random_makes_position_bias_noise_of_mean_zero():
    """With pure position bias every left one wins: fixed orders favour columns, random does not."""
    L = np.ones((4000, 4, 4), dtype=np.float32)
    mask = np.ones((4000, 4), dtype=bool)
    keys = prompt_keys([f"prompt {number}" for number in range(4000)])
    upper = np.triu_indices(4, 1)
    means = {
        mode: preferences(apply_order(L, mode, 0, keys), mask)[:, *upper].mean(axis=0)
        for mode in ("both", "random", "left")
    }
    np.testing.assert_array_equal(means["both"], 0)
    np.testing.assert_array_equal(means["left"], 1)
    assert np.abs(means["random"]).max() < 0.07


def test_coins_belong_to_the_prompt_and_not_to_its_place():
    L = np.random.default_rng(0).normal(size=(30, 5, 5)).astype(np.float32)
    keys = prompt_keys([str(number) for number in range(30)])
    whole = apply_order(L, "random", 2, keys)
    part = slice(7, 19)
    np.testing.assert_array_equal(apply_order(L[part], "random", 2, keys[part]), whole[part])
    assert not np.array_equal(np.isnan(whole), np.isnan(apply_order(L, "random", 3, keys)))
    alike = np.isnan(apply_order(L, "random", 2))
    assert (alike == alike[:1]).all()


def test_random_bits_are_spread_and_addressed():
    bits = random_bits(0, np.arange(2000)[:, None], np.arange(5)[None, :])
    assert len(np.unique(bits)) == bits.size
    ones = np.unpackbits(bits.view(np.uint8)).mean()
    assert abs(ones - 0.5) < 0.01
    np.testing.assert_array_equal(
        random_bits(0, np.arange(5, 9)[:, None], np.array([3])), bits[5:9, 3:4]
    )


def test_prompt_keys_differ_and_stay():
    keys = prompt_keys(["a", "b", "a", "日本"])
    assert keys.dtype == np.uint64
    assert keys[0] == keys[2] != keys[1]
    assert len(np.unique(keys)) == 3
    assert prompt_keys([]).shape == (0,)


def test_unknown_mode_bad_seed_and_bad_keys_are_named():
    L = np.zeros((2, 3, 3), dtype=np.float32)
    with pytest.raises(UnknownName, match="Did you mean 'random'"):
        apply_order(L, "randm")
    with pytest.raises(BadValue, match="seed"):
        apply_order(L, "random", -1)
    with pytest.raises(BadValue, match="keys"):
        apply_order(L, "random", 0, np.zeros(3, dtype=int))
