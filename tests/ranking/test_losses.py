import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue, UnknownName
from workbench.ranking.losses import LOSSES, check_loss, pair_loss

NAMES = list(LOSSES)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def formula(name, s_l, s_r, q_l, q_r, temperature):
    """As the papers write it, for one pair and task."""
    if name == "bce":
        z = 1.0 if q_l > q_r else 0.0
        left = -z * math.log(sigmoid(s_l)) - (1 - z) * math.log(1 - sigmoid(s_l))
        right = -(1 - z) * math.log(sigmoid(s_r)) - z * math.log(1 - sigmoid(s_r))
        return left + right
    if name == "logistic":
        return -math.log(sigmoid((1 if q_l > q_r else -1) * (s_l - s_r)))
    if name == "mse":
        return ((s_l - s_r) - (q_l - q_r)) ** 2
    t = sigmoid((q_l - q_r) / temperature)
    p = sigmoid(s_l - s_r)
    return -t * math.log(p) - (1 - t) * math.log(1 - p)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_parity_with_the_formulas_ties_and_gaps_masked(name, seed):
    random = np.random.default_rng(seed)
    s = random.normal(size=(2, 6, 2))
    q = random.integers(0, 3, size=(2, 6, 2)).astype(float)
    q[random.random(q.shape) < 0.2] = np.nan
    wanted, weights = 0.0, 0.0
    for b in range(6):
        for t in range(2):
            gap = q[0, b, t] - q[1, b, t]
            if gap != 0 and not math.isnan(gap):
                loss = formula(name, s[0, b, t], s[1, b, t], q[0, b, t], q[1, b, t], 0.7)
                wanted += abs(gap) ** 0.5 * loss
                weights += abs(gap) ** 0.5
    tensors = [torch.tensor(a) for a in (*s, *q)]
    found = pair_loss(name, *tensors, temperature=0.7, gap_power=0.5)
    assert float(found) == pytest.approx(wanted / weights if weights else 0.0, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("quality", [(1.0, 1.0), (math.nan, 1.0), (math.nan, math.nan)])
def test_nothing_to_learn_is_a_loss_of_zero_with_zero_gradient(name, quality):
    left = torch.randn(3, 1, requires_grad=True)
    q = [torch.full((3, 1), value) for value in quality]
    loss = pair_loss(name, left, torch.randn(3, 1), *q)
    loss.backward()
    assert loss.item() == 0
    assert left.grad.tolist() == [[0.0]] * 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("score", [1e4, -1e4, 0.0])
@pytest.mark.parametrize("gap", [1e4, -1e4, 1e-6])
def test_extremes_stay_finite_in_bfloat16(name, score, gap):
    left = torch.full((1, 1), score, dtype=torch.bfloat16, requires_grad=True)
    right = torch.full((1, 1), -score, dtype=torch.bfloat16)
    loss = pair_loss(name, left, right, torch.full((1, 1), gap), torch.zeros(1, 1))
    loss.backward()
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    assert torch.isfinite(left.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_and_its_mirror_image_cost_the_same(name):
    s, r, q, p = torch.randn(4, 5, 1)
    assert torch.allclose(pair_loss(name, s, r, q, p), pair_loss(name, r, s, p, q))


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_moves_the_better_side_up(name):
    left = torch.zeros(1, 1, requires_grad=True)
    right = torch.zeros(1, 1, requires_grad=True)
    pair_loss(name, left, right, torch.ones(1, 1), torch.zeros(1, 1)).backward()
    assert left.grad < 0 < right.grad


def test_options_that_cannot_be_used_are_named():
    with pytest.raises(UnknownName, match="Did you mean 'logistic'"):
        check_loss("logistics", 1.0, 0.0)
    with pytest.raises(BadValue, match="temperature"):
        check_loss("soft", 0.0, 0.0)
    with pytest.raises(BadValue, match="gap_power"):
        check_loss("soft", 1.0, -1.0)
