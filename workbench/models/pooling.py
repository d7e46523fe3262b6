"""One vector a sequence, from the encoder's last hidden states."""

from typing import Any

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


def pooled_states(
    encoder: Any, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, pooling: str
) -> Tensor:
    """What an encoder makes of sequences [R, T], `pooled`; token types go to one that knows any."""
    tokens = {"input_ids": input_ids, "attention_mask": attention_mask}
    if getattr(encoder.config, "type_vocab_size", 0) > 1:
        tokens["token_type_ids"] = token_type_ids
    return pooled(encoder(**tokens).last_hidden_state, attention_mask, pooling)


def check_sequence_pooling(pooling: str) -> None:
    """Raises UnknownName for a pooling that there is not."""
    if pooling not in POOLINGS:
        raise UnknownName("pooling", pooling, POOLINGS)
