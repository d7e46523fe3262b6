"""What the stage `train` needs of a model and of its data, whether ranker, fuser or router."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import pytorch_lightning as pl

_SHARDED = ("FSDPStrategy", "ModelParallelStrategy", "DeepSpeedStrategy")


class Learner(ABC):
    """A model that is trained from the store and kept as an artifact of its run.

    Its constructor only checks and keeps its options, as plain values in `hparams`.
    """

    kind: str
    """What it is called: "ranker", "fuser" or "router"."""
    hparams: Any

    @abstractmethod
    def save_pretrained(self, directory: str | Path) -> None:
        """Writes everything that is needed to use it, without pickled files."""


class Trainable(pl.LightningModule, Learner):
    """A LightningModule, trained by the Trainer; `build` makes the weights, after seeding."""

    monitors: tuple[str, ...]
    """Figures that may choose the checkpoint."""

    @abstractmethod
    def build(self, texts: Iterable[str] | None = None) -> Self:
        """Makes the weights, once; `texts` make the vocabulary of a tiny model."""


class Fitted(Learner):
    """A model that is fitted in one go, without gradients or without the Trainer."""

    @abstractmethod
    def fit(self, data: Any) -> dict[str, float]:
        """Learns from connected data; gives figures on validation by name."""


class TrainingData(pl.LightningDataModule, ABC):
    """A LightningDataModule that reads the splits `train` and `validation` of a store."""

    needs: str
    """What a model must have to learn from such data."""
    told = ""
    """What tells a model of these data from others of its class, for people; such as β=0.3."""
    reads_rankings = False
    """Whether it reads the ranking of a ranker, by its options `ranker` and `scheme`; then it has
    `take_ranking(ranker, scheme)`."""

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
