"""A pool whose texts are token ids, and the pairs drawn from it as a dataset."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from workbench.models.tokens import Tokens
from workbench.ranking.layout import Layout
from workbench.ranking.pairs import Pairs
from workbench.store.pool import Pool, load_texts
from workbench.store.source_text import source_text
from workbench.store.store import Store

_PROMPTS = 4096  # prompts whose texts are held at a time


class PairBatch(NamedTuple):
    """A padded batch of B labelled pairs.

    Attributes:
        input_ids, attention_mask: [B, T] int64.
        markers: [B, 3] int64, places of the source, left and right marker.
        left_quality, right_quality: [B, tasks] float32, NaN where not measured.
        place: [B, 3] int64, prompt, left and right candidate in their pool.
    """

    input_ids: Tensor
    attention_mask: Tensor
    markers: Tensor
    left_quality: Tensor
    right_quality: Tensor
    place: Tensor


@dataclass(frozen=True)
class TokenisedPool:
    """Token ids of a pool's texts; identical texts stand there once.

    Attributes:
        tokens: of all distinct texts.
        source: [Q] int, text of each prompt.
        candidate: [Q, N] int, text of each candidate, -1 outside the mask.
    """

    tokens: Tokens
    source: np.ndarray
    candidate: np.ndarray

    def texts(self, pairs: Pairs) -> np.ndarray:
        """[P, 3] texts of pairs, as `Layout.join` takes them."""
        sides = [self.candidate[pairs.prompt, side] for side in (pairs.left, pairs.right)]
        return np.stack([self.source[pairs.prompt], *sides], axis=1)


class PairDataset(Dataset[PairBatch]):
    """Labelled pairs; a DataLoader asks for a whole batch of indices at once.

    Args:
        layout: joins the segments.
        pool: the texts.
        quality: [Q, N, tasks].
        pairs: P pairs.
    """

    def __init__(
        self, layout: Layout, pool: TokenisedPool, quality: np.ndarray, pairs: Pairs
    ) -> None:
        self.layout = layout
        self.pool = pool
        self.quality = quality
        self.pairs = pairs
        self.texts = pool.texts(pairs)

    def __len__(self) -> int:
        return len(self.texts)

    def length(self) -> np.ndarray:
        """[P] tokens of each sequence."""
        length = self.pool.tokens.length
        return self.layout.lengths(*(length[self.texts[:, k]] for k in range(3))).sum(axis=1)

    def __getitems__(self, indices: list[int]) -> PairBatch:
        sequences = self.layout.join(self.pool.tokens, self.texts[indices])
        prompt, left, right = (side[indices] for side in self.pairs)
        arrays = (
            *sequences,
            self.quality[prompt, left].astype(np.float32),
            self.quality[prompt, right].astype(np.float32),
            np.stack([prompt, left, right], axis=1),
        )
        return PairBatch._make(torch.from_numpy(array) for array in arrays)

    def __getitem__(self, index: int) -> PairBatch:
        return self.__getitems__([index])


def tokenise_pool(store: Store, pool: Pool, layout: Layout) -> TokenisedPool:
    """Reads and tokenises the texts of a pool, some thousand prompts at a time."""
    parts: list[Tokens] = []
    source = np.zeros(len(pool.prompt_ids), np.int64)
    candidate = np.full(pool.mask.shape, -1, np.int64)
    seen = 0
    for rows, prompts, texts in pool_texts(store, pool):
        place: dict[str, int] = {}
        for row, prompt, answers in zip(rows, prompts, texts, strict=True):
            source[row] = seen + place.setdefault(prompt, len(place))
            for n in np.flatnonzero(pool.mask[row]):
                candidate[row, n] = seen + place.setdefault(answers[n], len(place))
        parts.append(layout.tokenise(place))
        seen += len(place)
    return TokenisedPool(Tokens.concatenated(parts), source, candidate)


def pool_texts(store: Store, pool: Pool) -> Iterator[tuple[np.ndarray, list[str], np.ndarray]]:
    """Chunks of a pool: prompt indices, their source texts, and candidates' texts [q, N]."""
    for first in range(0, len(pool.prompt_ids), _PROMPTS):
        rows = np.arange(first, min(first + _PROMPTS, len(pool.prompt_ids)))
        prompts, texts = load_texts(store, pool.subset(rows))
        yield rows, [source_text(*prompt) for prompt in prompts], texts
