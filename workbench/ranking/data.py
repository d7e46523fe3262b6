"""Training and validation pairs from the store, for PairRanker."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.utils.data import DataLoader

from workbench.errors import BadValue, MissingInput
from workbench.ranking.pairs import Pairs, all_pairs, check_pairs, first_of_each, sample_pairs
from workbench.ranking.ranker_data import RankerData
from workbench.ranking.tokenised import PairBatch, PairDataset, tokenise_pool
from workbench.store.pool import Pool

ORDERS = ("both", "one")


class PairData(RankerData):
    """Pairs of split `train`, drawn anew each epoch, and all pairs of some of `validation`.

    Args:
        measures: labels, one task each; validation picks are judged by the first.
        pairs: "all_pair", "top_bottom", "uniform" or "random", see `pairs.sample_pairs`.
        pairs_per_prompt: pairs a prompt and epoch; null takes all.
        pair_ratio: share of candidates, of "uniform" and "random".
        validation_orders: "both" scores each pair twice, "one" in one seeded random order.
        **options: see `RankerData`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    needs = "layout"

    def __init__(
        self,
        measures: Sequence[str],
        *,
        pairs: str = "all_pair",
        pairs_per_prompt: int | None = 5,
        pair_ratio: float = 0.4,
        validation_orders: str = "both",
        **options: Any,
    ) -> None:
        super().__init__(measures, **options)
        check_pairs(pairs, pairs_per_prompt, pair_ratio)
        if validation_orders not in ORDERS:
            raise BadValue("validation_orders", validation_orders, " or ".join(ORDERS))
        self.pairs = pairs
        self.pairs_per_prompt = pairs_per_prompt
        self.pair_ratio = pair_ratio
        self.validation_orders = validation_orders

    def train_dataloader(self) -> "DataLoader[PairBatch]":
        """Batches of this epoch's pairs, shuffled."""
        trainer: Any = self.trainer
        epoch = int(trainer.current_epoch)
        pairs = sample_pairs(
            self._train_quality,
            self._train_mask,
            self.pairs,
            pairs_per_prompt=self.pairs_per_prompt,
            ratio=self.pair_ratio,
            random=np.random.default_rng([self.seed, 1, epoch]),
        )
        if not len(pairs.prompt):
            raise MissingInput(
                f"no training pair differs in {', '.join(self.measures)}: nothing to learn from"
            )
        dataset = PairDataset(self._layout, self._train_texts, self._train_quality, pairs)
        return self.loader(dataset, dataset.length(), [self.seed, 2, epoch])

    def val_dataloader(self) -> "DataLoader[PairBatch]":
        """Batches of all pairs of the validation prompts, longest first."""
        return self.loader(self._validation_set, self._validation_set.length(), None)

    def setup_train(self, ranker: Any, pool: Pool, quality: np.ndarray) -> None:
        """Tokenises the training prompts."""
        self._layout = ranker.layout
        self._train_quality = quality
        self._train_texts = tokenise_pool(self.store, pool, self._layout)
        self._train_mask = first_of_each(self._train_texts.candidate, pool.mask)

    def setup_validation(self, ranker: Any, pool: Pool, quality: np.ndarray) -> None:
        """Tokenises the validation prompts."""
        texts = tokenise_pool(self.store, pool, ranker.layout)
        pairs = self._ordered(all_pairs(self.validation.mask))
        self._validation_set = PairDataset(ranker.layout, texts, quality, pairs)

    def _ordered(self, pairs: Pairs) -> Pairs:
        prompt, i, j = pairs
        if self.validation_orders == "both":
            return Pairs(np.r_[prompt, prompt], np.r_[i, j], np.r_[j, i])
        swap = np.random.default_rng([self.seed, 3]).random(len(i)) < 0.5
        return Pairs(prompt, np.where(swap, j, i), np.where(swap, i, j))
