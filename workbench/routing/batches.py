"""Batches of prompts with the rewards of the LLMs, as an encoder reads them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

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
        group: [B] int64, of prompts of one kind; -1 for none.
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    rewards: Tensor
    place: Tensor
    group: Tensor


class RoutingDataset:
    """Gives batches: its items are asked for by lists of indices.

    Args:
        framed: the prompts' sequences.
        rewards: [Q, L].
        pad: the padding token.
        group: [Q] of each prompt; None: none has one.
    """

    def __init__(
        self, framed: Framed, rewards: np.ndarray, pad: int, group: np.ndarray | None = None
    ) -> None:
        self.framed, self.rewards, self.pad = framed, rewards.astype(np.float32), pad
        self.group = np.full(len(rewards), -1, np.int64) if group is None else group

    def __len__(self) -> int:
        return len(self.rewards)

    def __getitems__(self, rows: list[int]) -> RoutingBatch:
        index = np.array(rows)
        ids, mask, types = map(torch.from_numpy, self.framed.padded(index, self.pad))
        own = map(torch.from_numpy, (self.rewards[index], index, self.group[index]))
        return RoutingBatch(ids, mask, types, *own)

    def __getitem__(self, row: int) -> RoutingBatch:
        return self.__getitems__([row])

    def length(self) -> np.ndarray:
        """[Q] tokens of each prompt."""
        return self.framed.tokens.length


def dataset_of(
    model: Any, prompts: Sequence[str], rewards: np.ndarray, group: np.ndarray | None = None
) -> RoutingDataset:
    """The prompts with a reward [Q, L] of any LLM, as an `EncoderRouter` frames them."""
    known = np.flatnonzero(np.isfinite(rewards).any(axis=1))
    framed = model.frame([prompts[row] for row in known.tolist()])
    group = None if group is None else group[known]
    return RoutingDataset(framed, rewards[known], model.framing.pad, group)
