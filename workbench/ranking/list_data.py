"""Training and validation lists from the store, for pointwise rankers."""

from typing import Any

import numpy as np
from torch.utils.data import DataLoader

from workbench.errors import MissingInput
from workbench.models.framing import Framed
from workbench.ranking.lists import ListBatch, ListDataset, Rows
from workbench.ranking.ranker_data import RankerData
from workbench.ranking.tokenised import pool_texts
from workbench.store.pool import Pool, load_references


class ListData(RankerData):
    """Whole prompts, each with all its candidates: of split `train`, and of `validation`.

    The batches of each epoch are drawn anew; the options are those of `RankerData`.
    """

    needs = "frame_lists"

    def train_dataloader(self) -> "DataLoader[ListBatch]":
        """Batches of all training prompts, shuffled."""
        trainer: Any = self.trainer
        epoch = int(trainer.current_epoch)
        return self.loader(self._train_set, self._train_set.length(), [self.seed, 2, epoch])

    def val_dataloader(self) -> "DataLoader[ListBatch]":
        """Batches of the validation prompts, longest first."""
        return self.loader(self._validation_set, self._validation_set.length(), None)

    def setup_train(self, ranker: Any, pool: Pool, quality: np.ndarray) -> None:
        """Tokenises what the ranker learns from; prompts whose candidates all tie teach nothing."""
        quality = np.where(ranker.learns_from(quality)[..., None], quality, np.nan)
        low, high = np.fmin.reduce(quality, axis=1), np.fmax.reduce(quality, axis=1)
        telling = np.flatnonzero((high > low).any(axis=1))
        if not len(telling):
            raise MissingInput(
                f"no training prompt has candidates that differ in {', '.join(self.measures)}: "
                "nothing to learn from"
            )
        self._train_set = self._lists(ranker, pool, quality, telling)

    def setup_validation(self, ranker: Any, pool: Pool, quality: np.ndarray) -> None:
        """Tokenises the validation prompts."""
        self._validation_set = self._lists(ranker, pool, quality, np.arange(len(quality)))

    def _lists(
        self, ranker: Any, pool: Pool, quality: np.ndarray, chosen: np.ndarray
    ) -> ListDataset:
        references: list[str | None] = [None] * len(pool.prompt_ids)
        if ranker.reads_references:
            references = load_references(self.store, pool)
        measured = ~np.isnan(quality).all(axis=2)
        found: list[Rows] = []
        for places, prompts, texts in pool_texts(self.store, pool):
            texts[~measured[places]] = None  # nothing to learn there, nothing to judge
            rows = ranker.frame_lists(prompts, texts, [references[q] for q in places])
            found.append(rows._replace(prompt=places[rows.prompt]))
        rows = Rows(
            np.concatenate([part.prompt for part in found]),
            np.concatenate([part.candidate for part in found]),
            Framed.joined([part.framed for part in found]),
        )
        return ListDataset(rows, quality, ranker.framing.pad, chosen)
