"""Whole prompts, each with the list of its candidates, as batches for pointwise rankers."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from workbench.models.framing import Framed

SOURCE, REFERENCE = -1, -2


class Rows(NamedTuple):
    """R sequences that belong to prompts.

    Attributes:
        prompt: [R] int, row of the prompt.
        candidate: [R] int, column of the candidate, or SOURCE or REFERENCE for what is none.
        framed: the R sequences.
    """

    prompt: np.ndarray
    candidate: np.ndarray
    framed: Framed


class ListBatch(NamedTuple):
    """A padded batch of R sequences of B prompts.

    Attributes:
        input_ids, attention_mask, token_type_ids: [R, T] int64.
        prompt: [R] int64, prompt of each sequence within the batch.
        candidate: [R] int64, column of its candidate, or SOURCE or REFERENCE.
        quality: [B, N, tasks] float32, NaN where not measured or no candidate.
        place: [B] int64, the prompts' rows in their pool.
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    prompt: Tensor
    candidate: Tensor
    quality: Tensor
    place: Tensor

    @property
    def measured(self) -> Tensor:
        """[B, N] bool: candidates with any quality."""
        return (~self.quality.isnan()).any(dim=-1)

    def by_candidate(self, rows: Tensor) -> Tensor:
        """[B, N, …]: outputs of rows [R, …] at their candidates' places, 0 elsewhere."""
        placed = rows.new_zeros((*self.quality.shape[:2], *rows.shape[1:]))
        own = self.candidate >= 0
        placed[self.prompt[own], self.candidate[own]] = rows[own]
        return placed

    def by_role(self, rows: Tensor, role: int) -> tuple[Tensor, Tensor]:
        """[B, …]: outputs of rows [R, …] that are the prompts' SOURCE or REFERENCE, 0 where a
        prompt has none; and [B] bool, whether it has."""
        placed = rows.new_zeros((len(self.quality), *rows.shape[1:]))
        there = torch.zeros(len(self.quality), dtype=torch.bool, device=rows.device)
        own = self.candidate == role
        placed[self.prompt[own]] = rows[own]
        there[self.prompt[own]] = True
        return placed, there


class ListDataset(Dataset[ListBatch]):
    """Prompts with their lists; a DataLoader asks for a whole batch of them at once.

    Args:
        rows: sequences of all prompts, those of a prompt together and in ascending order.
        quality: [Q, N, tasks].
        pad: id of the padding token.
        chosen: prompts [P] that this dataset holds, each with at least one row.
    """

    def __init__(self, rows: Rows, quality: np.ndarray, pad: int, chosen: np.ndarray) -> None:
        self.rows = rows
        self.quality = quality
        self.pad = pad
        self.chosen = chosen
        count = np.bincount(rows.prompt, minlength=len(quality))
        self._begin = np.r_[0, np.cumsum(count)]

    def __len__(self) -> int:
        return len(self.chosen)

    def length(self) -> np.ndarray:
        """[P] tokens of each prompt's list, all its sequences as long as its longest."""
        longest = np.zeros(len(self.quality), np.int64)
        np.maximum.at(longest, self.rows.prompt, self.rows.framed.tokens.length)
        # Every list counts as the largest, so that lists padded to each other keep the budget.
        return longest[self.chosen] * int(np.diff(self._begin).max(initial=1))

    def __getitems__(self, indices: list[int]) -> ListBatch:
        place = self.chosen[indices]
        spans = [np.arange(self._begin[q], self._begin[q + 1]) for q in place]
        rows = np.concatenate(spans)
        prompt = np.repeat(np.arange(len(place)), [len(span) for span in spans])
        arrays = (
            *self.rows.framed.padded(rows, self.pad),
            prompt,
            self.rows.candidate[rows],
            self.quality[place].astype(np.float32),
            place,
        )
        return ListBatch._make(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)

    def __getitem__(self, index: int) -> ListBatch:
        return self.__getitems__([index])
