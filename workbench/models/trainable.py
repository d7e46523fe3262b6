"""What the stage `train` needs of a model and of its data: rankers, fusers and what is to come."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import pytorch_lightning as pl

_SHARDED = ("FSDPStrategy", "ModelParallelStrategy", "DeepSpeedStrategy")


class Trainable(pl.LightningModule, ABC):
    """A LightningModule that is trained from the store and kept as an artifact of its run.

    Its constructor only checks and keeps its options, as plain values in `hparams`; `build` makes
    the weights, so that they come after seeding.
    """

    kind: str
    """What it is called: "ranker" or "fuser"."""
    monitors: tuple[str, ...]
    """Figures that may choose the checkpoint."""

    @abstractmethod
    def build(self, texts: Iterable[str] | None = None) -> Self:
        """Makes the weights, once; `texts` make the vocabulary of a tiny model."""

    @abstractmethod
    def save_pretrained(self, directory: str | Path) -> None:
        """Writes everything that is needed to use it, without pickled files."""


class TrainingData(pl.LightningDataModule, ABC):
    """A LightningDataModule that reads the splits `train` and `validation` of a store."""

    needs: str
    """What a model must have to learn from such data."""

    @abstractmethod
    def connect(self, store: Any) -> Self:
        """Gives the store to read from; before anything else."""

    @abstractmethod
    def check(self, model: Any) -> None:
        """Raises BadValue or UnknownName where model, store and options do not fit."""

    @abstractmethod
    def seen(self, model: Any) -> str:
        """Fingerprint of what training and validation may read."""

    @abstractmethod
    def training_texts(self) -> Iterator[str]:
        """Texts of the training prompts, for a tiny model's vocabulary."""


def is_sharded(trainer: Any) -> bool:
    """Whether no process of a training holds the whole model."""
    return any(kind.__name__ in _SHARDED for kind in type(trainer.strategy).__mro__)
