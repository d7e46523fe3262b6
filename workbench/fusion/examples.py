"""Examples of fusing: what is read and what should be written, as batches of token ids."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

IGNORED = -100
"""Label of a token that is not learned: padding, and a causal model's prompt."""
CHUNK = 1024
"""Texts tokenised at once, which bounds the memory of lists."""


class FusionBatch(NamedTuple):
    """B examples, padded at the right.

    Attributes:
        input_ids, attention_mask: [B, S] int64; of a causal model prompt and target together.
        labels: [B, T] int64, `IGNORED` where nothing is learned; of a causal model T = S.
        rows: [B] int64, which prompts of the data.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    rows: Tensor


class FusionExamples:
    """Tokenised examples; a DataLoader asks for a whole batch of indices at once.

    Args:
        prompts: [P] ids of what is read.
        targets: [P] ids of what should be written, its end token included.
        pad: id of padding, which is masked.
        causal: whether the target goes on behind the prompt.
    """

    def __init__(
        self,
        prompts: Sequence[np.ndarray],
        targets: Sequence[np.ndarray],
        pad: int,
        causal: bool,
    ) -> None:
        self.prompts = prompts
        self.targets = targets
        self.pad = pad
        self.causal = causal

    def __len__(self) -> int:
        return len(self.prompts)

    def length(self) -> np.ndarray:
        """[P] tokens of each example, read and written."""
        both = zip(self.prompts, self.targets, strict=True)
        return np.array([len(prompt) + len(target) for prompt, target in both], np.int64)

    def __getitems__(self, indices: list[int]) -> FusionBatch:
        read = [self.prompts[i] for i in indices]
        labels = [self.targets[i] for i in indices]
        if self.causal:
            both = list(zip(read, labels, strict=True))
            read = [np.r_[prompt, target] for prompt, target in both]
            labels = [np.r_[np.full(len(prompt), IGNORED), target] for prompt, target in both]
        return FusionBatch(
            padded(read, self.pad),
            padded([np.ones(len(ids), np.int64) for ids in read], 0),
            padded(labels, IGNORED),
            torch.tensor(indices),
        )

    def __getitem__(self, index: int) -> FusionBatch:
        return self.__getitems__([index])


def padded(rows: Sequence[np.ndarray], value: int) -> Tensor:
    """[B, longest] int64, rows padded at the right."""
    filled = np.full((len(rows), max(map(len, rows))), value, np.int64)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return torch.from_numpy(filled)


def prompt_arrays(
    fuser: Any,
    instructions: Sequence[str],
    inputs: Sequence[str],
    candidates: Sequence[Sequence[str]],
) -> list[np.ndarray]:
    """Ids of the prompts as a fuser reads them, some thousand at a time."""
    found = []
    for first in range(0, len(instructions), CHUNK):
        part = slice(first, first + CHUNK)
        ids = fuser.prompt.ids(fuser.tokenizer, instructions[part], inputs[part], candidates[part])
        found += [np.array(prompt, np.int32) for prompt in ids]
    return found
