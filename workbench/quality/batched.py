"""Texts as token ids, and these as padded tensors, in batches that fit the device."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def token_ids(tokenizer: Any, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Token ids of texts, framed as the tokenizer does, long texts cut at their end.

    Of a tokenizer without a frame a text without tokens is the tokenizer's end alone.
    """
    if not texts:
        return []
    found = tokenizer(
        list(texts), truncation=True, max_length=max_length, return_attention_mask=False
    )
    return [ids or [tokenizer.eos_token_id or 0] for ids in found["input_ids"]]


def padded(
    sequences: Sequence[Sequence[int]], fill: int, device: torch.device | str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids [B, L] with `fill` behind the ends, and the mask [B, L] int64 of what is real."""
    length = np.array([len(sequence) for sequence in sequences])
    mask = np.arange(length.max(initial=0)) < length[:, None]
    ids = np.full(mask.shape, fill, np.int64)
    ids[mask] = np.concatenate([np.asarray(sequence, np.int64) for sequence in sequences])
    return torch.from_numpy(ids).to(device), torch.from_numpy(mask.astype(np.int64)).to(device)


def lengths(sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """Tokens of each sequence [n]."""
    return np.fromiter(map(len, sequences), np.int64, len(sequences))
