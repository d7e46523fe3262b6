"""Batches of prompts with the rewards of the LLMs, as an encoder reads them."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from workbench.models.framing import Framed


class RoutingBatch(NamedTuple):
    """B prompts of at most T tokens.

    Attributes:
        input_ids, attention_mask, token_type_ids: [B, T] int64.
        rewards: [B, L] float32, NaN where not known.
        place: [B] int64, where the prompts stand in their dataset.
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    rewards: Tensor
    place: Tensor


class RoutingDataset:
    """Gives batches: its items are asked for by lists of indices.

    Args:
        framed: the prompts' sequences.
        rewards: [Q, L].
        pad: the padding token.
    """

    def __init__(self, framed: Framed, rewards: np.ndarray, pad: int) -> None:
        self.framed, self.rewards, self.pad = framed, rewards.astype(np.float32), pad

    def __len__(self) -> int:
        return len(self.rewards)

    def __getitems__(self, rows: list[int]) -> RoutingBatch:
        index = np.array(rows)
        ids, mask, types = map(torch.from_numpy, self.framed.padded(index, self.pad))
        rewards = torch.from_numpy(self.rewards[index])
        return RoutingBatch(ids, mask, types, rewards, torch.from_numpy(index))

    def __getitem__(self, row: int) -> RoutingBatch:
        return self.__getitems__([row])

    def length(self) -> np.ndarray:
        """[Q] tokens of each prompt."""
        return self.framed.tokens.length
