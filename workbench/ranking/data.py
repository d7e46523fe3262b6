"""Training and validation pairs from the store."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader

from workbench.errors import BadValue, MissingInput
from workbench.ranking.batches import TokenBatchSampler, check_budget
from workbench.ranking.layout import Layout
from workbench.ranking.pairs import Pairs, all_pairs, check_pairs, first_of_each, sample_pairs
from workbench.ranking.tokenised import PairBatch, PairDataset, pool_texts, tokenise_pool
from workbench.ranking.validation import PickValidation
from workbench.store.pool import Pool, load_pool, load_quality
from workbench.store.store import Store

ORDERS = ("both", "one")


class PairData(pl.LightningDataModule):
    """Pairs of split `train`, drawn anew each epoch, and all pairs of some of `validation`.

    The split `test` is never read. The Trainer needs `reload_dataloaders_every_n_epochs=1`, so
    that each epoch draws its own pairs, and, on several devices, `use_distributed_sampler=False`,
    for the batches are shared out here.

    Args:
        measures: labels, one task each; validation picks are judged by the first.
        datasets: None takes all that the store holds.
        llms: whose answers are trained on; None takes all.
        validation_llms: whose answers are chosen from in validation; None takes `llms`.
        pairs: "all_pair", "top_bottom", "uniform" or "random", see `pairs.sample_pairs`.
        pairs_per_prompt: pairs a prompt and epoch; null takes all.
        pair_ratio: share of candidates, of "uniform" and "random".
        tokens_per_batch: budget of a batch in tokens, padding counted.
        max_train_prompts: a seeded subset of the prompts; null takes all.
        max_validation_prompts: the same for validation.
        validation_orders: "both" scores each pair twice, "one" in one seeded random order.
        standardise: divides each measure by the spread of its values within prompts of the
            training split, which "mse", "soft" and several measures of unlike scale need.
        seed: of subsets, pairs, sides and batches.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        measures: Sequence[str],
        *,
        datasets: Sequence[str] | None = None,
        llms: Sequence[str] | None = None,
        validation_llms: Sequence[str] | None = None,
        pairs: str = "all_pair",
        pairs_per_prompt: int | None = 5,
        pair_ratio: float = 0.4,
        tokens_per_batch: int = 16384,
        max_train_prompts: int | None = None,
        max_validation_prompts: int | None = 200,
        validation_orders: str = "both",
        standardise: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        measures = list(measures)
        self.save_hyperparameters()
        check_pairs(pairs, pairs_per_prompt, pair_ratio)
        check_budget(tokens_per_batch)
        if not measures:
            raise BadValue("measures", measures, "at least one measure")
        if validation_orders not in ORDERS:
            raise BadValue("validation_orders", validation_orders, " or ".join(ORDERS))
        for name, most in (
            ("max_train_prompts", max_train_prompts),
            ("max_validation_prompts", max_validation_prompts),
        ):
            if most is not None and most < 1:
                raise BadValue(name, most, "a positive number, or null for all")
        self.measures = measures
        self.datasets = datasets
        self.llms = llms
        self.validation_llms = validation_llms if validation_llms is not None else llms
        self.pairs = pairs
        self.pairs_per_prompt = pairs_per_prompt
        self.pair_ratio = pair_ratio
        self.tokens_per_batch = tokens_per_batch
        self.max_train_prompts = max_train_prompts
        self.max_validation_prompts = max_validation_prompts
        self.validation_orders = validation_orders
        self.standardise = standardise
        self.seed = seed
        self._store: Store | None = None
        self._ready = False

    def connect(self, store: Store) -> "PairData":
        """Gives the store to read from; before anything else."""
        self._store = store
        return self

    @property
    def store(self) -> Store:
        """The store; raises MissingInput before `connect`."""
        if self._store is None:
            raise MissingInput("PairData has no store yet: call connect(store) first")
        return self._store

    def training_texts(self) -> Iterator[str]:
        """Source and candidate texts of the training prompts, for a tiny encoder's vocabulary."""
        for _, prompts, texts in pool_texts(self.store, self._train_pool):
            yield from prompts
            yield from (text for text in texts.ravel() if text is not None)

    def setup(self, stage: str) -> None:
        """Reads, tokenises and checks everything, once, before the first step.

        Raises:
            MissingInput: a split without prompts, or without a pair that differs in quality.
            UnknownName: a dataset, LLM or measure that the store does not hold.
            BadValue: a Trainer that would show the same pairs in every epoch.
        """
        trainer: Any = self.trainer
        if self._ready:
            return
        if trainer.max_epochs != 1 and trainer.reload_dataloaders_every_n_epochs != 1:
            raise BadValue(
                "reload_dataloaders_every_n_epochs", trainer.reload_dataloaders_every_n_epochs, "1"
            )
        layout: Layout = trainer.lightning_module.layout
        self._setup_train(layout)
        self._setup_validation(layout)
        self._ready = True

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
        return self._loader(dataset, seed=[self.seed, 2, epoch])

    def val_dataloader(self) -> "DataLoader[PairBatch]":
        """Batches of all pairs of the validation prompts, longest first."""
        return self._loader(self._validation_set, seed=None)

    def _loader(self, dataset: PairDataset, seed: Sequence[int] | None) -> "DataLoader[PairBatch]":
        trainer: Any = self.trainer
        sampler = TokenBatchSampler(
            dataset.length(),
            self.tokens_per_batch,
            seed,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
            done=(lambda: 0) if seed is None else self._batches_done,
        )
        return _PairLoader(dataset, batch_sampler=sampler, collate_fn=_as_it_is)

    def _batches_done(self) -> int:
        """Batches of the epoch that are behind; not 0 only just after resuming within it."""
        trainer: Any = self.trainer
        return int(trainer.fit_loop.epoch_loop.batch_progress.current.ready) * trainer.training

    @cached_property
    def _train_pool(self) -> Pool:
        pool = load_pool(self.store, self.datasets, "train", self.llms)
        return pool.subset(self._chosen(len(pool.prompt_ids), self.max_train_prompts))

    def _setup_train(self, layout: Layout) -> None:
        pool = self._train_pool
        quality = self._qualities(pool)
        self._scale = spread(quality) if self.standardise else np.ones(len(self.measures))
        self._layout = layout
        self._train_quality = quality / self._scale
        self._train_texts = tokenise_pool(self.store, pool, layout)
        self._train_mask = first_of_each(self._train_texts.candidate, pool.mask)

    def _setup_validation(self, layout: Layout) -> None:
        pool = load_pool(self.store, self.datasets, "validation", self.validation_llms)
        quality = self._qualities(pool)
        usable = np.flatnonzero((~np.isnan(quality[..., 0])).sum(axis=1) > 1)
        if not len(usable):
            raise MissingInput(
                f"no validation prompt has two candidates measured by {self.measures[0]}"
            )
        chosen = usable[self._chosen(len(usable), self.max_validation_prompts)]
        pool, quality = pool.subset(chosen), quality[chosen]
        self.validation = PickValidation(quality[..., 0], pool.llm)
        texts = tokenise_pool(self.store, pool, layout)
        pairs = self._ordered(all_pairs(self.validation.mask))
        self._validation_set = PairDataset(layout, texts, quality / self._scale, pairs)

    def _ordered(self, pairs: Pairs) -> Pairs:
        prompt, i, j = pairs
        if self.validation_orders == "both":
            return Pairs(np.r_[prompt, prompt], np.r_[i, j], np.r_[j, i])
        swap = np.random.default_rng([self.seed, 3]).random(len(i)) < 0.5
        return Pairs(prompt, np.where(swap, j, i), np.where(swap, i, j))

    def _qualities(self, pool: Pool) -> np.ndarray:
        return np.stack([load_quality(self.store, pool, m) for m in self.measures], axis=2)

    def _chosen(self, count: int, most: int | None) -> np.ndarray:
        if most is None or most >= count:
            return np.arange(count)
        return np.sort(np.random.default_rng([self.seed, 4]).permutation(count)[:most])


class _PairLoader(DataLoader[PairBatch]):
    """A loader that the Trainer takes as resumable, which it is by the Trainer's own progress."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing: epoch and batches done follow from the Trainer."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to take over."""


def spread(quality: np.ndarray) -> np.ndarray:
    """[tasks] standard deviation within prompts of qualities [Q, N, tasks] (NaN: not measured).

    Only differences within a prompt are learned; how hard prompts differ is not counted.
    1 where a measure does not vary.
    """
    known = ~np.isnan(quality)
    count = known.sum(axis=1, keepdims=True)
    filled = np.where(known, quality, 0.0)
    mean = filled.sum(axis=1, keepdims=True) / np.maximum(1, count)
    squares = np.where(known, (quality - mean) ** 2, 0.0).sum(axis=(0, 1))
    deviation = np.sqrt(squares / np.maximum(1, known.sum(axis=(0, 1))))
    return np.where(deviation > 0, deviation, 1.0)


def _as_it_is(batch: Any) -> Any:
    return batch
