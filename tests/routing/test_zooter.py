"""ZOOTER's loss: the divergence of two distributions over the LLMs that are known."""

import numpy as np
import pytest
import torch
from tiny_routing import LLMS, built, connected, router_data, tiny_router, trainer
from torch.nn.functional import kl_div

from workbench.errors import BadValue
from workbench.routing.targets import reward_distribution
from workbench.routing.zooter import ZOOTER

NAN = float("nan")
REWARDS = torch.tensor([[0.2, 1.5, -0.3], [2.0, 0.0, 0.1], [0.4, 0.4, 0.4], [1.0, NAN, 3.0]])
LOGITS = torch.tensor([[0.1, -2.0, 0.4], [9.0, 1.0, 3.0], [1.0, 0.0, -1.0], [0.5, 70.0, 0.2]])


@pytest.mark.parametrize("temperature", [0.1, 1.0, 4.0])
def test_the_loss_is_the_divergence(temperature):
    router = tiny_router(ZOOTER, temperature=temperature)
    rewards, logits = REWARDS[:3], LOGITS[:3]
    target = torch.softmax(rewards / temperature, dim=1)
    told = kl_div(logits.log_softmax(dim=1), target, reduction="batchmean")
    torch.testing.assert_close(router.loss(logits, rewards), told)


def test_an_llm_without_a_reward_is_left_out_on_both_sides():
    router = tiny_router(ZOOTER)
    logits = LOGITS.clone().requires_grad_()
    found = router.loss(logits[3:], REWARDS[3:])
    rest = [0, 2]
    target = reward_distribution(REWARDS[3:, rest], 1.0)
    told = kl_div(LOGITS[3:, rest].log_softmax(dim=1), target, reduction="batchmean")
    torch.testing.assert_close(found.detach(), told)
    found.backward()
    assert logits.grad[3, 1] == 0
    assert (logits.grad[3, rest] != 0).all()


def test_a_prompt_of_which_one_llm_is_known_teaches_nothing():
    logits = LOGITS[:1].clone().requires_grad_()
    loss = tiny_router(ZOOTER).loss(logits, torch.tensor([[NAN, 5.0, NAN]]))
    loss.backward()
    assert loss.item() == 0.0
    assert (logits.grad == 0).all()


def test_where_all_rewards_tie_it_is_drawn_towards_equal_shares():
    logits = torch.tensor([[2.0, 0.0, -1.0]], requires_grad=True)
    loss = tiny_router(ZOOTER).loss(logits, torch.full((1, 3), 7.0))
    loss.backward()
    assert torch.isfinite(loss)
    assert loss > 0
    expected = torch.softmax(logits.detach(), dim=1) - 1 / 3
    torch.testing.assert_close(logits.grad, expected)
    equal = torch.zeros(1, 3)
    torch.testing.assert_close(
        tiny_router(ZOOTER).loss(equal, torch.full((1, 3), 7.0)), torch.tensor(0.0)
    )


def test_it_cannot_be_below_0_and_is_0_at_the_target():
    router = tiny_router(ZOOTER, temperature=0.5)
    torch.testing.assert_close(
        router.loss(REWARDS[:3] / 0.5 + 3.0, REWARDS[:3]), torch.tensor(0.0), atol=1e-6, rtol=0
    )


def test_utilities_are_probabilities():
    found = built(ZOOTER).utilities(["add the numbers", "tell a tale", ""])
    assert found.shape == (3, len(LLMS))
    assert (found > 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-6)
    assert np.ptp(found, axis=0).max() > 1e-3  # they depend on the prompt


def test_enhancement_reaches_the_target(world, tmp_path):
    """With beta 0 all prompts of a category learn the same, and validation is as it was."""
    data = router_data(world, beta=0.0)
    router = connected(ZOOTER, data)
    trainer(tmp_path, limit_train_batches=1, limit_val_batches=1).fit(router, data)
    learned, held_out = data._train_set.rewards, data._held_out_set.rewards
    for kind in ("maths", "stories"):
        rows = [n for n, category in enumerate(data.train.category) if category == kind]
        np.testing.assert_allclose(learned[rows], learned[rows[:1]].repeat(len(rows), axis=0))
    assert len(np.unique(held_out[:, 0])) == len(held_out)


def test_a_temperature_that_cannot_be():
    with pytest.raises(BadValue, match="temperature"):
        tiny_router(ZOOTER, temperature=0.0)
