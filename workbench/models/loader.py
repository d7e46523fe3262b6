"""Loaders of training data: batches under a token budget that a training can go on within."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch.utils.data import DataLoader

from workbench.errors import BadValue
from workbench.models.batches import TokenBatchSampler


def token_loader(
    dataset: Any,
    length: np.ndarray,
    tokens_per_batch: int,
    trainer: Any,
    seed: Sequence[int] | None,
) -> "DataLoader[Any]":
    """Batches of a dataset whose items have these lengths [n] in tokens.

    The dataset takes a list of indices and gives a batch. Shuffled by a seed, or, without,
    longest first. The batches are shared out among the trainer's processes here.
    """

    def batches_done() -> int:
        """Batches of the epoch that are behind; not 0 only just after resuming within it."""
        return int(trainer.fit_loop.epoch_loop.batch_progress.current.ready) * trainer.training

    done: Callable[[], int] = (lambda: 0) if seed is None else batches_done
    sampler = TokenBatchSampler(
        length,
        tokens_per_batch,
        seed,
        rank=trainer.global_rank,
        world_size=trainer.world_size,
        done=done,
    )
    return _ResumableLoader(dataset, batch_sampler=sampler, collate_fn=_as_it_is)


def check_reloading(trainer: Any) -> None:
    """Raises BadValue where a Trainer would show the same in every epoch."""
    if trainer.max_epochs != 1 and trainer.reload_dataloaders_every_n_epochs != 1:
        raise BadValue(
            "reload_dataloaders_every_n_epochs", trainer.reload_dataloaders_every_n_epochs, "1"
        )


class _ResumableLoader(DataLoader[Any]):
    """A loader that the Trainer takes as resumable, which it is by the Trainer's own progress."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing: epoch and batches done follow from the Trainer."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to take over."""


def _as_it_is(batch: Any) -> Any:
    return batch
