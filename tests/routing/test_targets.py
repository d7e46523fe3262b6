"""What a router is taught: distributions and labels over LLMs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from workbench.errors import BadValue
from workbench.routing.targets import best_labels, good_enough, reward_distribution, telling

# Few values, so that some tie; NaN: not known.
VALUES = st.sampled_from([-2.0, 0.0, 0.5, 0.75, 1.0, float("nan")])


@st.composite
def reward_tables(draw):
    """[B, L] float64, with at least one reward known in each row."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5))
    table = draw(arrays(np.float64, shape, elements=VALUES))
    table[np.isnan(table).all(axis=1), 0] = 0.5
    return torch.from_numpy(table)


@settings(max_examples=30, deadline=None)
@given(reward_tables(), st.sampled_from([0.01, 0.5, 3.0]))
def test_distribution_has_what_is_known_only_and_keeps_the_order(rewards, temperature):
    shares = reward_distribution(rewards, temperature)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(len(rewards), dtype=torch.float64))
    for reward, share in zip(rewards, shares, strict=True):
        known = reward.isfinite()
        assert (share[~known] == 0).all()
        torch.testing.assert_close(share[known], torch.softmax(reward[known] / temperature, dim=0))


@settings(max_examples=30, deadline=None)
@given(reward_tables())
def test_labels_by_their_definition(rewards):
    for row, reward in enumerate(rewards):
        known = reward[reward.isfinite()]
        best = (reward == known.max()).double()
        torch.testing.assert_close(best_labels(rewards)[row].double(), best / best.sum())
        for tolerance in (0.0, 0.25, 0.6):
            near = torch.tensor([float(known.max() - r <= tolerance) for r in reward])
            torch.testing.assert_close(good_enough(rewards, tolerance)[row].float(), near)
        assert bool(telling(rewards)[row]) == (len(known.unique()) > 1)


@settings(max_examples=20, deadline=None)
@given(reward_tables(), st.randoms())
def test_the_order_of_the_llms_does_not_matter(rewards, random):
    order = list(range(rewards.shape[1]))
    random.shuffle(order)
    for target in (
        lambda r: reward_distribution(r, 0.7),
        best_labels,
        lambda r: good_enough(r, 0.25),
    ):
        torch.testing.assert_close(target(rewards[:, order]), target(rewards)[:, order])
    assert telling(rewards[:, order]).equal(telling(rewards))


def test_equal_rewards_give_equal_shares():
    tied = torch.full((1, 4), -3.0)
    assert reward_distribution(tied, 0.1).tolist() == best_labels(tied).tolist() == [[0.25] * 4]
    assert not telling(tied).any()


def test_a_low_temperature_comes_close_to_the_best_alone():
    rewards = torch.tensor([[0.1, 0.9, 0.8]])
    torch.testing.assert_close(reward_distribution(rewards, 1e-3), best_labels(rewards))
    assert reward_distribution(rewards, 1e-30).isfinite().all()


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_cannot_be(temperature):
    with pytest.raises(BadValue, match="temperature"):
        reward_distribution(torch.zeros(1, 2), temperature)
