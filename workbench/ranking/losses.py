"""Losses on a pair's scores, one column a task (LLM-Blender, section 3.2, and its released code).

s_l, s_r are the scores of the left and right candidate, Q_l, Q_r their qualities; all [B, tasks].
Each function gives the loss of each element; `pair_loss` masks and averages.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from workbench.errors import BadValue, UnknownName

Loss = Callable[[Tensor, Tensor, Tensor, float], Tensor]


def bce(left: Tensor, right: Tensor, gap: Tensor, temperature: float) -> Tensor:
    """The paper's: BCE(s_l, z) + BCE(s_r, 1 − z), z = 1[Q_l > Q_r]."""
    z = (gap > 0).to(left.dtype)
    return binary_cross_entropy_with_logits(
        left, z, reduction="none"
    ) + binary_cross_entropy_with_logits(right, 1 - z, reduction="none")


def logistic(left: Tensor, right: Tensor, gap: Tensor, temperature: float) -> Tensor:
    """The released default: −log σ(sign(Q_l − Q_r) (s_l − s_r))."""
    return softplus(-torch.sign(gap) * (left - right))


def mse(left: Tensor, right: Tensor, gap: Tensor, temperature: float) -> Tensor:
    """((s_l − s_r) − (Q_l − Q_r))²."""
    return ((left - right) - gap) ** 2


def soft(left: Tensor, right: Tensor, gap: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of σ(s_l − s_r) with the soft label σ((Q_l − Q_r) / temperature)."""
    return binary_cross_entropy_with_logits(
        left - right, torch.sigmoid(gap / temperature), reduction="none"
    )


LOSSES: dict[str, Loss] = {"bce": bce, "logistic": logistic, "mse": mse, "soft": soft}


def pair_loss(
    name: str,
    left: Tensor,
    right: Tensor,
    left_quality: Tensor,
    right_quality: Tensor,
    *,
    temperature: float = 1.0,
    gap_power: float = 0.0,
) -> Tensor:
    """Mean loss over the pairs and tasks that say which side is better; computed in float32.

    Left out are ties (Q_l = Q_r) and qualities that were not measured (NaN). Where nothing is
    left the loss is 0, with a gradient of zeros. With `gap_power` p > 0 an element weighs
    |Q_l − Q_r|^p, and the mean is a weighted one.

    Args:
        name: a key of LOSSES.
        left, right: scores [B, tasks], of any floating type.
        left_quality, right_quality: [B, tasks].
        temperature: of the soft label, in units of quality.
        gap_power: 0 weighs all alike.
    """
    left, right = left.float(), right.float()
    gap = left_quality.float() - right_quality.float()
    counts = (gap != 0) & ~gap.isnan()
    gap = torch.where(counts, gap, torch.zeros_like(gap))
    weight = torch.where(counts, gap.abs() ** gap_power, torch.zeros_like(gap))
    loss = LOSSES[name](left, right, gap, temperature)
    tiny = torch.finfo(torch.float32).tiny
    return (loss * weight).sum() / weight.sum().clamp_min(tiny)


def check_loss(name: str, temperature: float, gap_power: float) -> None:
    """Raises UnknownName or BadValue for options that `pair_loss` cannot use."""
    if name not in LOSSES:
        raise UnknownName("loss", name, LOSSES)
    if not temperature > 0:
        raise BadValue("temperature", temperature, "a positive number")
    if not gap_power >= 0:
        raise BadValue("gap_power", gap_power, "0 (all pairs weigh alike) or more")
