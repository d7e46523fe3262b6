"""RouterDC's two losses and the groups that one of them needs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_routing import LLMS, built, tiny_router
from torch.nn.functional import cosine_similarity

from workbench.errors import BadValue
from workbench.routing.batches import RoutingBatch
from workbench.routing.contrastive import sample_llm_loss, sample_sample_loss, top_places
from workbench.routing.groups import prompt_groups
from workbench.routing.router_dc import RouterDC

NAN = float("nan")


def naive_llm_loss(logits, rewards, positives, negatives):
    """One prompt of which no two rewards tie, term by term as in the paper."""
    known = [i for i, reward in enumerate(rewards) if not np.isnan(reward)]
    order = sorted(known, key=lambda i: -rewards[i])
    total = 0.0
    for best in order[:positives]:
        worse = [j for j in order[-negatives:] if rewards[j] < rewards[best]]
        own = np.exp(logits[best])
        total -= np.log(own / (own + sum(np.exp(logits[j]) for j in worse)))
    return total


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-3, 3, width=32), min_size=5, max_size=5),
    st.permutations([0.1, 0.4, 0.5, 2.0, NAN]),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_the_loss_between_prompts_and_llms(logits, rewards, positives, negatives):
    found = sample_llm_loss(torch.tensor([logits]), torch.tensor([rewards]), positives, negatives)
    assert found.item() == pytest.approx(
        naive_llm_loss(logits, rewards, positives, negatives), abs=1e-4
    )


def test_right_and_wrong_answers_are_the_papers_two_sets():
    """Positives are right, negatives wrong, and a wrong one among the best is skipped."""
    logits = torch.tensor([[0.3, -0.2, 0.9, 0.1]])
    rewards = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    e = logits[0].exp()
    [found] = sample_llm_loss(logits, rewards, 3, 3)
    torch.testing.assert_close(found, -(e[0] / e.sum()).log())


def test_where_all_tie_or_one_is_known_there_is_nothing_to_learn():
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    rewards = torch.tensor([[0.5] * 4, [NAN, 1.0, NAN, NAN], [NAN, 1.0, 1.0, NAN]])
    found = sample_llm_loss(logits, rewards, 2, 2)
    found.sum().backward()
    assert found.tolist() == [0.0, 0.0, 0.0]
    assert (logits.grad == 0).all()


def test_an_llm_without_a_reward_is_neither_pulled_nor_pushed():
    logits = torch.zeros(1, 4, requires_grad=True)
    sample_llm_loss(logits, torch.tensor([[1.0, NAN, 0.0, 0.5]]), 3, 3).sum().backward()
    assert logits.grad[0, 1] == 0
    assert logits.grad[0, 0] < 0 < logits.grad[0, 2]


def test_who_ties_for_the_last_places_shares_them():
    rewards = torch.tensor([[1.0, 1.0, 1.0, 0.0], [3.0, 1.0, 1.0, NAN]])
    thirds = [[2 / 3, 2 / 3, 2 / 3, 0.0], [1.0, 0.5, 0.5, 0.0]]
    torch.testing.assert_close(top_places(rewards, 2), torch.tensor(thirds))
    torch.testing.assert_close(top_places(rewards, 9)[1], torch.tensor([1.0, 1, 1, 0]))


def naive_sample_losses(states, group, near, away):
    def similar(a, b):
        return cosine_similarity(states[a], states[b], dim=0)

    rows = []
    for n in range(len(group)):
        terms = torch.stack([similar(n, near[n]), *(similar(n, k) for k in away[n])])
        rows.append(terms.logsumexp(dim=0) - terms[0])
    return torch.stack(rows)


def test_the_loss_between_prompts_where_the_draw_leaves_no_choice():
    states = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    group = torch.tensor([0, 0, 7, 7])
    near, away = [1, 0, 3, 2], [[2, 3], [2, 3], [0, 1], [0, 1]]
    expected = naive_sample_losses(states, group, near, away)
    for negatives, seed in ((2, 0), (3, 1), (99, 2)):
        found = sample_sample_loss(states, group, negatives, 1.0, seed)
        torch.testing.assert_close(found, expected)


def test_what_is_drawn_is_of_the_group_or_not_and_follows_the_seed():
    states = torch.randn(6, 6, generator=torch.Generator().manual_seed(1))
    group = torch.tensor([0, 0, 0, 1, 1, 1])
    found = {seed: sample_sample_loss(states, group, 1, 1.0, seed) for seed in range(20)}
    assert found[3].equal(sample_sample_loss(states, group, 1, 1.0, 3))
    possible = [
        naive_sample_losses(states[[0, a, b]], [0], [1], [[2]])[0]
        for a in (1, 2)
        for b in (3, 4, 5)
    ]
    seen = torch.stack([loss[0] for loss in found.values()])
    close = (seen[:, None] - torch.stack(possible)).abs() < 1e-5
    assert close.any(dim=1).all()
    assert close.any(dim=0).sum() > 3


def test_prompts_without_a_group_or_company_are_left_out():
    states = torch.randn(4, 6, generator=torch.Generator().manual_seed(1), requires_grad=True)
    found = sample_sample_loss(states, torch.tensor([-1, -1, 2, 3]), 3, 1.0, 0)
    assert found.tolist() == [0.0] * 4
    found = sample_sample_loss(states, torch.tensor([5, 5, 5, 5]), 3, 1.0, 0)
    found.sum().backward()
    assert found.tolist() == [0.0] * 4
    assert states.grad.isfinite().all()
    assert sample_sample_loss(states[:1], torch.tensor([5]), 3, 1.0, 0).tolist() == [0.0]


def test_both_losses_are_in_a_batch_by_their_weight():
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 20, (4, 6), generator=rng)
    ones, places = torch.ones_like(ids), torch.arange(4)
    rewards = torch.rand(4, 3, generator=rng)
    batch = RoutingBatch(ids, ones, ones * 0, rewards, places, torch.tensor([0, 0, 1, 1]))
    losses = {
        weight: built(RouterDC, sample_weight=weight).batch_loss(batch).item()
        for weight in (0.0, 1.0, 3.0)
    }
    router = built(RouterDC)
    states = router.states(ids, ones, ones * 0)
    alone = router.loss(router.logits(states), rewards).item()
    between = sample_sample_loss(states, batch.group, 3, 1.0, 0).mean().item()
    assert losses[0.0] == pytest.approx(alone)
    assert losses[1.0] == pytest.approx(alone + between)
    assert losses[3.0] == pytest.approx(alone + 3 * between)


def test_utilities_are_cosines_whatever_the_temperature():
    prompts = ["add the numbers", "tell a tale about winter"]
    router = built(RouterDC)
    found = router.utilities(prompts)
    np.testing.assert_allclose(
        built(RouterDC, temperature=0.05).utilities(prompts), found, atol=1e-5
    )
    framed = router.frame(prompts)
    ids, mask, types = map(torch.from_numpy, framed.padded(np.arange(2), router.framing.pad))
    states, vectors = router.states(ids, mask, types), router.head_layer.vectors.weight
    expected = cosine_similarity(states[:, None], vectors[None], dim=2)
    np.testing.assert_allclose(found, expected.detach(), atol=1e-5)
    assert found.shape == (2, len(LLMS))


def test_the_commonest_tag_is_the_group():
    tags = [["a", "z"], ["z"], [], ["b", "a"], ["b", "z"], ["only"]]
    z, b, a = 3, 1, 0  # of "a", "b", "only", "z"; "a" and "b" are equally common
    assert prompt_groups(tags).tolist() == [z, z, -1, a, z, 2]
    assert b not in prompt_groups(tags)
    assert prompt_groups([]).tolist() == []


@pytest.mark.parametrize(
    "options",
    [{"positives": 0}, {"negatives": 0}, {"sample_negatives": 0}, {"sample_weight": -1.0},
     {"temperature": 0.0}],
)  # fmt: skip
def test_options_that_cannot_be(options):
    with pytest.raises(BadValue, match=next(iter(options))):
        tiny_router(RouterDC, **options)
