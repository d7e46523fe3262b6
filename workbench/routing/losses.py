"""Losses of single prompts, over the LLMs whose reward is known.

All give [B], one number a prompt, so that a mean over prompts never depends on what else is in
their batch.
"""

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy [B] of a distribution `target` [B, L] and the softmax of logits [B, L].

    An LLM that is not `known` [B, L] has no share in either; every prompt knows one at least.
    """
    own = torch.log_softmax(logits.masked_fill(~known, -torch.inf), dim=-1)
    return -(target * own.masked_fill(~known, 0.0)).sum(dim=-1)


def known_mean(values: Tensor, known: Tensor) -> Tensor:
    """Mean [B] of the known ones among values [B, L]; 0 where there is none."""
    total = values.masked_fill(~known, 0.0).sum(dim=-1)
    return total / known.sum(dim=-1).clamp(min=1)


def centred(values: Tensor, known: Tensor) -> Tensor:
    """Values [B, L] less their prompt's mean over the LLMs that are known."""
    return values - known_mean(values, known)[:, None]
