import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue, UnknownName
from workbench.ranking.list_losses import (
    NEGATIVES,
    best_and_weights,
    best_loss,
    check_best_loss,
    margin_loss,
)


def drawn(seed, tasks=2):
    """Scores and qualities [5, 4, tasks] with ties, gaps, and lists of few candidates."""
    random = np.random.default_rng(seed)
    quality = random.integers(0, 3, size=(5, 4, tasks)).astype(float)
    quality[random.random(quality.shape) < 0.25] = np.nan
    quality[random.random(5) < 0.2] = np.nan
    return random.normal(size=quality.shape), quality, random


def naive_best(scores, quality, negatives, positive_weight):
    """As the paper writes it, list by list and measure by measure."""
    lists = []
    for s, q in ((s[:, t], q[:, t]) for s, q in zip(scores, quality, strict=True) for t in (0, 1)):
        known = [i for i in range(len(q)) if not math.isnan(q[i])]
        if len({q[i] for i in known}) < 2:
            continue
        best = [i for i in known if q[i] == max(q[k] for k in known)]
        others = [i for i in known if i not in best]
        if negatives == "worst":
            others = [i for i in known if q[i] == min(q[k] for k in known)]
        share = len(others) / len(best) if positive_weight is None else positive_weight
        terms = [(share, math.log1p(math.exp(-s[i]))) for i in best]
        terms += [(1.0, math.log1p(math.exp(s[i]))) for i in others]
        lists.append(sum(w * v for w, v in terms) / sum(w for w, _ in terms))
    return sum(lists) / max(1, len(lists))


def naive_margin(scores, reference, referenced, quality, margin):
    """The formula, with candidates sorted by quality; those that tie share their mean place."""
    lists = []
    for s, ref, has, q in zip(scores, reference, referenced, quality, strict=True):
        known = sorted((i for i in range(len(q)) if not math.isnan(q[i])), key=lambda i: -q[i])
        place = {
            i: np.mean([k for k, other in enumerate(known) if q[other] == q[i]]) for i in known
        }
        terms = [max(0.0, s[i] - ref) for i in known if has]
        terms += [
            max(0.0, s[j] - s[i] + margin * (place[j] - place[i]) / len(known))
            for i in known
            for j in known
            if q[i] > q[j]
        ]
        if terms:
            lists.append(sum(terms))
    return sum(lists) / max(1, len(lists))


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("positive_weight", [None, 1.0, 3.0])
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_best_loss_is_the_naive_one(negatives, positive_weight, seed):
    scores, quality, _ = drawn(seed)
    found = best_loss(torch.tensor(scores), torch.tensor(quality), negatives, positive_weight)
    wanted = naive_best(scores, quality, negatives, positive_weight)
    assert float(found) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("margin", [0.0, 0.3, 1.0])
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_margin_loss_is_the_naive_one(margin, seed):
    scores, quality, random = drawn(seed, tasks=1)
    scores, quality = scores[..., 0], quality[..., 0]
    reference, referenced = random.normal(size=5), random.random(5) < 0.6
    tensors = [torch.tensor(a) for a in (scores, reference, referenced, quality)]
    wanted = naive_margin(scores, reference, referenced, quality, margin)
    assert float(margin_loss(*tensors, margin)) == pytest.approx(wanted, rel=1e-5)


def test_margins_are_those_of_the_reference_where_nothing_ties():
    scores, quality = torch.zeros(1, 3), torch.tensor([[0.1, 0.7, 0.5]])
    none, no = torch.zeros(1), torch.zeros(1, dtype=torch.bool)
    # Neighbours twice 1 / 3, and the best and the worst 2 / 3.
    assert float(margin_loss(scores, none, no, quality)) == pytest.approx(4 / 3)
    assert float(margin_loss(scores, none - 0.5, ~no, quality)) == pytest.approx(4 / 3 + 1.5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(NEGATIVES))
def test_losses_do_not_depend_on_the_order_or_on_padding(seed, negatives):
    scores, quality, random = drawn(seed)
    order = random.permutation(4)
    wide = np.pad(quality, ((0, 0), (0, 2), (0, 0)), constant_values=np.nan)
    more = np.pad(scores, ((0, 0), (0, 2), (0, 0)), constant_values=9.0)
    reference, referenced = torch.tensor(random.normal(size=5)), torch.ones(5, dtype=torch.bool)
    best, margin = [], []
    for s, q in ((scores, quality), (scores[:, order], quality[:, order]), (more, wide)):
        s, q = torch.tensor(s), torch.tensor(q)
        best.append(float(best_loss(s, q, negatives)))
        margin.append(float(margin_loss(s[..., 0], reference, referenced, q[..., 0])))
    assert best == pytest.approx([best[0]] * 3, rel=1e-5)
    assert margin == pytest.approx([margin[0]] * 3, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(NEGATIVES))
def test_weights_of_a_list_sum_to_one_and_balance(seed, negatives):
    _, quality, _ = drawn(seed)
    best, weight = best_and_weights(torch.tensor(quality), negatives, None)
    total = weight.sum(dim=1)
    ranks = best.any(dim=1)
    torch.testing.assert_close(total, ranks.float())
    torch.testing.assert_close((weight * best).sum(dim=1), ranks * 0.5)
    assert not weight[torch.tensor(quality).isnan()].any()


@pytest.mark.parametrize(
    "quality", [[1.0, 1.0], [math.nan, 1.0], [math.nan, math.nan]], ids=["tied", "one", "none"]
)
def test_nothing_to_learn_is_a_loss_of_zero_with_zero_gradient(quality):
    scores = torch.randn(1, 2, requires_grad=True)
    reference = torch.randn(1, requires_grad=True)
    q, no = torch.tensor([quality]), torch.zeros(1, dtype=torch.bool)
    loss = best_loss(scores[..., None], q[..., None]) + margin_loss(scores, reference, no, q)
    loss.backward()
    assert loss.item() == 0
    assert scores.grad.tolist() == [[0.0, 0.0]]
    assert reference.grad.tolist() == [0.0]


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extremes_stay_finite_in_bfloat16_and_under_autocast(size):
    scores = torch.tensor([[size, -size, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    quality = torch.tensor([[1.0, 1e30, math.nan]])
    reference, has = torch.tensor([-size]), torch.ones(1, dtype=torch.bool)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = best_loss(scores[..., None], quality[..., None])
        loss = loss + margin_loss(scores, reference, has, quality)
    loss.backward()
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    assert torch.isfinite(scores.grad).all()


def test_gradients_move_the_better_up_and_the_worse_down():
    quality = torch.tensor([[3.0, 1.0, 2.0]])
    has = torch.ones(1, dtype=torch.bool)
    scores = torch.zeros(1, 3, requires_grad=True)
    best_loss(scores[..., None], quality[..., None], "all").backward()
    assert scores.grad[0, 0] < 0 < scores.grad[0, 1]
    assert scores.grad[0, 1] == scores.grad[0, 2]
    scores = torch.zeros(1, 3, requires_grad=True)
    best_loss(scores[..., None], quality[..., None]).backward()
    assert scores.grad[0, 0] == -scores.grad[0, 1] < 0 == scores.grad[0, 2]
    scores = torch.zeros(1, 3, requires_grad=True)
    reference = torch.full((1,), -0.5, requires_grad=True)
    margin_loss(scores, reference, has, quality).backward()
    assert scores.grad[0, 0] < scores.grad[0, 2] < scores.grad[0, 1]
    assert reference.grad[0] == -3


def test_options_that_cannot_be_used_are_named():
    with pytest.raises(UnknownName, match="Did you mean 'worst'"):
        check_best_loss("wurst", None)
    with pytest.raises(BadValue, match="positive_weight"):
        check_best_loss("all", 0.0)
