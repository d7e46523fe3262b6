"""One vector a sequence, from the encoder's last hidden states."""

import torch
from torch import Tensor

from workbench.errors import UnknownName

POOLINGS = ("first", "mean")


def pooled(hidden: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """[R, width] float32: the first token's state, or the mean over all tokens.

    Args:
        hidden: [R, T, width].
        attention_mask: [R, T], 1 where there is a token.
        pooling: "first", or "mean", as sentence encoders are trained to be read.
    """
    with torch.autocast(hidden.device.type, enabled=False):
        if pooling == "first":
            return hidden[:, 0].float()
        weight = attention_mask.to(torch.float32)
        total = torch.einsum("rt,rtw->rw", weight, hidden.float())
        return total / weight.sum(dim=1, keepdim=True)


def check_sequence_pooling(pooling: str) -> None:
    """Raises UnknownName for a pooling that there is not."""
    if pooling not in POOLINGS:
        raise UnknownName("pooling", pooling, POOLINGS)
