"""Padding of sequence classifiers, some of which read where a sequence ends off its padding.

A classifier made of a decoder takes the state of the last token that is not
`config.pad_token_id`. One without that id was only ever run on single sequences, whose last
token it took, whatever that is.
"""

from typing import Any

import torch
from torch import Tensor

from workbench.errors import BadModel, BadValue
from workbench.models.pretrained import vocabulary_size


def settle_padding(name: str, config: Any, tokenizer: Any) -> None:
    """Makes a tokenizer pad as its model expects, or with its end-of-text token where neither
    has padding; `config.pad_token_id` is None afterwards where the model was not told of any.

    Raises:
        BadModel: neither padding nor an end-of-text token.
    """
    text_config = config.get_text_config()
    told = text_config.pad_token_id
    if told is not None and 0 <= told < vocabulary_size(config):
        token = tokenizer.convert_ids_to_tokens(told)
        if token is not None and told in {*tokenizer.all_special_ids, *_added(tokenizer)}:
            tokenizer.pad_token = token
            return
    text_config.pad_token_id = None
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise BadModel(
                f"the tokenizer of '{name}' has neither padding nor an end-of-text token"
            )
        tokenizer.pad_token = tokenizer.eos_token


def unused_id(input_ids: Tensor, attention_mask: Tensor, size: int) -> int:
    """The lowest of `size` ids that ends none of the sequences [R, T] and so may pad them."""
    end = attention_mask.sum(dim=1, keepdim=True).clamp_min(1) - 1
    taken = torch.zeros(size, dtype=torch.bool, device=input_ids.device)
    taken[input_ids.gather(1, end)] = True
    if taken.all():
        raise BadValue("sequences in a batch", len(input_ids), f"fewer than the {size} tokens")
    return int((~taken).to(torch.uint8).argmax())


def _added(tokenizer: Any) -> list[int]:
    return list(tokenizer.added_tokens_decoder)
