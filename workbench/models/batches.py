"""Batches of sequences of like length under a budget of tokens."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Sampler

from workbench.errors import BadValue

# A CPU is fastest where a batch's activations stay in its caches.
_CPU_TOKENS = 1024


def token_batches(length: np.ndarray, tokens_per_batch: int) -> list[np.ndarray]:
    """Splits sequences [P] of given lengths into batches, longest sequences first.

    A batch holds sequences that are neighbours in the order of length, as many as keep
    `size * longest <= tokens_per_batch`, and at least one. Among equals the order is that given.
    """
    check_budget(tokens_per_batch)
    order = np.argsort(-length, kind="stable")
    batches = []
    first = 0
    while first < len(order):
        size = max(1, tokens_per_batch // max(1, int(length[order[first]])))
        batches.append(order[first : first + size])
        first += size
    return batches


def check_budget(tokens_per_batch: int) -> None:
    """Raises BadValue where the budget is not a positive number."""
    if tokens_per_batch < 1:
        raise BadValue("tokens_per_batch", tokens_per_batch, "a positive number of tokens")


def device_batches(
    length: np.ndarray, tokens_per_batch: int, device: torch.device | str
) -> list[np.ndarray]:
    """Token batches of sequences [P] for inference; on a CPU of at most 1,024 tokens a thread.

    MiniLM on one core reads 150-token texts 1.7 times as fast so as in batches of 16,384.
    """
    if torch.device(device).type == "cpu":
        tokens_per_batch = min(tokens_per_batch, _CPU_TOKENS * torch.get_num_threads())
    return token_batches(length, tokens_per_batch)


class TokenBatchSampler(Sampler[list[int]]):
    """Batch sampler of one epoch: token batches, shuffled, shared out among processes.

    It shards by itself: use it with `Trainer(use_distributed_sampler=False)`. Every process
    gets equally many batches; where they do not divide, the first ones are given twice.

    Args:
        length: [P] tokens of each sequence.
        tokens_per_batch: budget of a batch, padding counted.
        seed: of this epoch's shuffle; None keeps the order, longest first.
        rank, world_size: of this process.
        done: number of batches to leave out at the front, asked for when the first is taken;
            a training that goes on within an epoch so sees the rest of it.
    """

    def __init__(
        self,
        length: np.ndarray,
        tokens_per_batch: int,
        seed: int | Sequence[int] | None = None,
        rank: int = 0,
        world_size: int = 1,
        done: Callable[[], int] = lambda: 0,
    ) -> None:
        batches = _shuffled(length, tokens_per_batch, seed)
        if batches:
            short = -len(batches) % world_size
            batches += [batches[i % len(batches)] for i in range(short)]
        self.batches = batches[rank::world_size]
        self.done = done

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches[self.done() :]:
            yield batch.tolist()

    def __len__(self) -> int:
        return len(self.batches)


def _shuffled(
    length: np.ndarray, tokens_per_batch: int, seed: int | Sequence[int] | None
) -> list[np.ndarray]:
    if seed is None:
        return token_batches(length, tokens_per_batch)
    random = np.random.default_rng(seed)
    # Shuffled before sorting too, so that batches mix prompts among equally long sequences.
    order = random.permutation(len(length))
    batches = token_batches(length[order], tokens_per_batch)
    return [order[batches[i]] for i in random.permutation(len(batches))]
