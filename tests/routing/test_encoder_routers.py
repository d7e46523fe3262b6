"""What holds for every router that trains an encoder, and the losses of the simple ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_routing import KINDS, LLMS, PROMPTS, built, tiny_router
from torch.nn.functional import binary_cross_entropy, cross_entropy, huber_loss

from workbench.errors import BadModel, BadValue
from workbench.routing.classifier import ClassifierRouter
from workbench.routing.loading import load_router
from workbench.routing.multi_label import MultiLabelRouter
from workbench.routing.regression import RegressionRouter
from workbench.routing.zooter import ZOOTER

NAN = float("nan")


@pytest.mark.parametrize("kind", KINDS)
def test_utilities_do_not_depend_on_the_batch(kind):
    router = built(kind)
    whole = router.utilities(PROMPTS)
    assert whole.dtype == np.float64
    assert np.isfinite(whole).all()
    for tokens in (1, 40):
        some = router.utilities(PROMPTS, tokens_per_batch=tokens)
        np.testing.assert_allclose(some, whole, atol=1e-5)
    one_by_one = np.concatenate([router.utilities([prompt]) for prompt in PROMPTS])
    np.testing.assert_allclose(one_by_one, whole, atol=1e-5)
    assert np.ptp(whole, axis=0).max() > 1e-2
    told = []
    twice = router.utilities(PROMPTS * 2, progress=told.append)
    np.testing.assert_array_equal(twice[: len(PROMPTS)], twice[len(PROMPTS) :])
    assert sum(told) == 2 * len(PROMPTS)
    assert router.utilities([]).shape == (0, len(LLMS))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_the_loss_is_finite_and_the_order_of_the_llms_does_not_matter(kind, data):
    cells = st.sampled_from([0.0, 1.0, 1.5, -40.0, NAN])
    rewards = torch.tensor(
        data.draw(st.lists(st.lists(cells, min_size=4, max_size=4), min_size=1, max_size=4))
    )
    rewards[rewards.isnan().all(dim=1), 0] = 1.0  # the data gives no prompt without any reward
    logits = torch.randn(rewards.shape, generator=torch.Generator().manual_seed(0)) * 3
    logits.requires_grad_()
    router = tiny_router(kind)
    loss = router.loss(logits, rewards)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    order = data.draw(st.permutations(range(4)))
    other = router.loss(logits[:, order], rewards[:, order])
    torch.testing.assert_close(other, loss)
    # A mean over prompts: what else is in a batch changes nothing.
    parts = [router.loss(logits[n : n + 1], rewards[n : n + 1]) for n in range(len(rewards))]
    torch.testing.assert_close(torch.stack(parts).mean(), loss)
    if kind is not RegressionRouter:  # whose logits of an unknown LLM count as little
        assert (logits.grad[rewards.isnan()] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_says_the_same(kind, tmp_path):
    router = built(kind)
    router.save_pretrained(tmp_path)
    for loaded in (load_router(tmp_path), kind.from_pretrained(tmp_path)):
        assert type(loaded) is kind
        assert loaded.llms == LLMS
        np.testing.assert_array_equal(loaded.utilities(PROMPTS), router.utilities(PROMPTS))
    other = ZOOTER if kind is not ZOOTER else ClassifierRouter
    with pytest.raises(BadModel, match=other.__name__):
        other.from_pretrained(tmp_path)


def test_the_classifiers_loss_is_that_of_the_best_label():
    router = tiny_router(ClassifierRouter)
    logits = torch.tensor([[0.5, 1.0, -1.0], [2.0, 0.0, 1.0], [0.3, 0.2, 0.1], [5.0, 1.0, 2.0]])
    rewards = torch.tensor([[0.1, 0.2, 0.9], [0.7, 0.7, 0.1], [0.4, 0.4, 0.4], [NAN, 1.0, 0.0]])
    shared = torch.tensor([[0.5, 0.5, 0.0]])
    expected = [
        cross_entropy(logits[:1], torch.tensor([2])),
        cross_entropy(logits[1:2], shared),
        torch.tensor(0.0),  # all tie
        cross_entropy(logits[3:, 1:], torch.tensor([0])),
    ]
    torch.testing.assert_close(router.loss(logits, rewards), torch.stack(expected).mean())


def test_multi_labels_are_those_that_are_good_enough():
    logits = torch.tensor([[0.5, 1.0, -1.0], [2.0, 0.0, 1.0], [0.3, 0.2, 0.1]])
    rewards = torch.tensor([[0.1, 0.8, 0.9], [0.7, NAN, 0.1], [NAN, 0.4, NAN]])
    p = logits.sigmoid()
    expected = [
        binary_cross_entropy(p[0], torch.tensor([0.0, 1.0, 1.0])),
        binary_cross_entropy(p[1, [0, 2]], torch.tensor([1.0, 0.0])),
        torch.tensor(0.0),  # nobody to be as good as
    ]
    router = tiny_router(MultiLabelRouter, tolerance=0.2)
    torch.testing.assert_close(router.loss(logits, rewards), torch.stack(expected).mean())
    found = built(MultiLabelRouter).utilities(PROMPTS)
    assert ((found > 0) & (found < 1)).all()


def test_regression_learns_rewards_or_their_differences():
    logits = torch.tensor([[1.0, 2.0, 9.0], [3.0, 1.0, 0.0]])
    rewards = torch.tensor([[2.0, 5.0, NAN], [3.0, 4.0, 2.0]])
    squared = ((1.0 + 9.0) / 2 + (0.0 + 9.0 + 4.0) / 3) / 2
    assert tiny_router(RegressionRouter).loss(logits, rewards).item() == pytest.approx(squared)
    # Means 1.5 and 3.5 of what is known on the first prompt, 4/3 and 3 on the second.
    differences = ((1.0 + 1.0) / 2 + ((5 / 3) ** 2 + (4 / 3) ** 2 + (1 / 3) ** 2) / 3) / 2
    centred = tiny_router(RegressionRouter, center="prompt")
    assert centred.loss(logits, rewards).item() == pytest.approx(differences)
    assert centred.loss(logits + 7, rewards - 5).item() == pytest.approx(differences, rel=1e-5)
    huber = tiny_router(RegressionRouter, huber_delta=1.0).loss(logits[1:], rewards[1:])
    torch.testing.assert_close(huber, huber_loss(logits[1:], rewards[1:], delta=1.0))
    assert huber.item() < 9 / 3


def test_untrained_it_says_so():
    with pytest.raises(BadModel, match="no weights"):
        tiny_router(ZOOTER, llms=LLMS).utilities(["a"])
    with pytest.raises(BadModel, match="knows no LLMs"):
        tiny_router(ZOOTER).build(["a"])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (MultiLabelRouter, {"tolerance": -0.1}),
        (RegressionRouter, {"huber_delta": 0.0}),
        (RegressionRouter, {"center": "llm"}),
        (ClassifierRouter, {"max_tokens": 0}),
        (ClassifierRouter, {"head_dropout": 1.0}),
    ],
)
def test_options_that_cannot_be(kind, options):
    with pytest.raises(BadValue, match=next(iter(options))):
        tiny_router(kind, **options)
