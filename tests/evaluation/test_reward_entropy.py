from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from workbench.errors import BadValue
from workbench.evaluation.reward_entropy import entropy_bins, reward_entropy


def test_entropy_is_that_of_the_softmax():
    rewards = np.random.default_rng(0).normal(size=(20, 5)) * 4
    for temperature in (0.5, 3.0):
        expected = entropy(softmax(rewards / temperature, axis=1), axis=1, base=2)
        np.testing.assert_allclose(reward_entropy(rewards, temperature), expected, atol=1e-12)
    np.testing.assert_allclose(reward_entropy(rewards + 1e6), reward_entropy(rewards), atol=1e-6)
    np.testing.assert_allclose(reward_entropy(np.zeros((1, 4))), [2])
    np.testing.assert_allclose(reward_entropy(np.array([[1e6, 0.0, -1e6]])), [0])


def test_an_llm_without_a_reward_is_not_there():
    rewards = np.array([[1.0, np.nan, 2.0], [1.0, np.nan, np.nan], [np.nan] * 3])
    expected = reward_entropy(rewards[:1, [0, 2]])[0]
    np.testing.assert_allclose(reward_entropy(rewards), [expected, np.nan, np.nan])


def test_clear_rewards_prefer_better_llms():
    rng = np.random.default_rng(1)
    clear = rng.random(600)[:, None] * 6
    quality = rng.normal(size=(600, 4))
    rewards = clear * quality + rng.normal(size=(600, 4))
    quality[:3] = np.nan
    found = entropy_bins(rewards, quality, bins=4, resamples=100)
    assert [part.quality.n for part in found] == pytest.approx([597 / 4] * 4, abs=1)
    assert all(a.high <= b.low for a, b in pairwise(found))
    assert all(part.low <= part.entropy <= part.high for part in found)
    assert found[0].quality.low > found[-1].quality.high
    whole = entropy_bins(rewards, quality, bins=1)[0].quality.value
    preferred = quality[np.arange(600), rewards.argmax(axis=1)][3:]
    assert whole == pytest.approx(preferred.mean())


def test_equal_entropies_stay_together_and_nothing_known_is_no_bin():
    rewards, quality = np.zeros((6, 2)), np.tile([0.0, 1.0], (6, 1))
    (only,) = entropy_bins(rewards, quality)
    assert (only.low, only.high, only.quality.value, only.quality.n) == (1, 1, 0.5, 6)
    assert entropy_bins(rewards, quality * np.nan) == []
    for options, message in (({"bins": 0}, "bins"), ({"temperature": 0.0}, "temperature")):
        with pytest.raises(BadValue, match=message):
            entropy_bins(rewards, quality, **options)
    with pytest.raises(BadValue, match="shapes"):
        entropy_bins(rewards, quality[:, :1])


@pytest.mark.parametrize("n", [3, 7, 24, 60])
def test_the_mean_of_equal_entropies_lies_between_them(n):
    """By rounding it may lie a hair beside: 0.9018795204050255 of 60 times …256."""
    rewards = np.tile([1.0, 0.3, 0.3, 0.1], (n, 1)) / 0.47
    (found,) = entropy_bins(rewards, rewards, resamples=5)
    assert found.low <= found.entropy <= found.high
