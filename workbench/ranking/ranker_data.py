"""What all training data of rankers share: prompts, qualities and texts out of the store."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from torch.utils.data import DataLoader

from workbench.errors import BadValue, MissingInput
from workbench.evaluation.spread import spread
from workbench.models.batches import check_budget
from workbench.models.loader import check_reloading, token_loader
from workbench.models.trainable import TrainingData
from workbench.ranking.tokenised import pool_texts
from workbench.ranking.validation import PickValidation
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import Pool, check_names, load_pool, load_quality
from workbench.store.store import Store


class RankerData(TrainingData):
    """Splits `train` and `validation` of the store; the split `test` is never read.

    The Trainer needs `reload_dataloaders_every_n_epochs=1`, so that each epoch draws anew, and,
    on several devices, `use_distributed_sampler=False`, for the batches are shared out here.
    A subclass gives `setup_train`, `setup_validation` and the two loaders.

    Args:
        measures: labels, one task each; validation picks are judged by the first.
        datasets: None takes all that the store holds.
        llms: whose answers are trained on; None takes all.
        validation_llms: whose answers are chosen from in validation; None takes `llms`.
        tokens_per_batch: budget of a batch in tokens, padding counted.
        max_train_prompts: a seeded subset of the prompts; null takes all.
        max_validation_prompts: the same for validation.
        standardise: divides each measure by the spread of its values within prompts of the
            training split, which losses on differences of quality and several measures of
            unlike scale need.
        seed: of subsets, what is drawn, and batches.

    Raises:
        BadValue: an option that cannot be used.
    """

    needs = "validation_logits"
    """What a ranker must have to learn from such data."""

    def __init__(
        self,
        measures: Sequence[str],
        *,
        datasets: Sequence[str] | None = None,
        llms: Sequence[str] | None = None,
        validation_llms: Sequence[str] | None = None,
        tokens_per_batch: int = 16384,
        max_train_prompts: int | None = None,
        max_validation_prompts: int | None = 200,
        standardise: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        measures = list(measures)
        self.save_hyperparameters()
        self.hparams["measures"] = measures
        check_budget(tokens_per_batch)
        if not measures:
            raise BadValue("measures", measures, "at least one measure")
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
        self.tokens_per_batch = tokens_per_batch
        self.max_train_prompts = max_train_prompts
        self.max_validation_prompts = max_validation_prompts
        self.standardise = standardise
        self.seed = seed
        self.validation: PickValidation
        self._store: Store | None = None
        self._ready = False

    def connect(self, store: Store) -> Self:
        """Gives the store to read from; before anything else."""
        self._store = store
        return self

    @property
    def store(self) -> Store:
        """The store; raises MissingInput before `connect`."""
        if self._store is None:
            name = type(self).__name__
            raise MissingInput(f"{name} has no store yet: call connect(store) first")
        return self._store

    def check(self, model: Any) -> None:
        """Raises BadValue for a ranker of other measures, UnknownName for what is not stored."""
        if list(model.measures) != self.measures:
            expected = f"those of the data: {self.measures}"
            raise BadValue("measures of the model", model.measures, expected)
        check_names(self.store, "measure", self.measures)
        check_names(self.store, "dataset", self.datasets)
        check_names(self.store, "llm", self.llms)
        check_names(self.store, "llm", self.validation_llms)

    def seen(self, model: Any) -> str:
        """Fingerprint of what training and validation may read."""
        reference = ", p.reference" if getattr(model, "reads_references", False) else ""
        return fingerprint(
            self.store,
            f"select c.candidate_id, p.split, q.measure, q.value{reference} "  # noqa: S608
            "from candidates c join prompts p using (prompt_id) "
            "left join qualities q "
            "on q.candidate_id = c.candidate_id and list_contains($measures, q.measure) "
            "where p.split <> 'test' "
            "and ($datasets is null or list_contains($datasets, p.dataset))",
            {"measures": self.measures, "datasets": self.datasets},
        )

    def training_texts(self) -> Iterator[str]:
        """Source and candidate texts of the training prompts, for a tiny encoder's vocabulary."""
        for _, prompts, texts in pool_texts(self.store, self.train_pool):
            yield from prompts
            yield from (text for text in texts.ravel() if text is not None)

    def setup(self, stage: str) -> None:
        """Reads, tokenises and checks everything, once, before the first step.

        Raises:
            MissingInput: a split without prompts, or without candidates that differ in quality.
            UnknownName: a dataset, LLM or measure that the store does not hold.
            BadValue: a Trainer that would show the same in every epoch.
        """
        trainer: Any = self.trainer
        if self._ready:
            return
        check_reloading(trainer)
        quality = self.qualities(self.train_pool)
        self.scale = spread(quality) if self.standardise else np.ones(len(self.measures))
        self.setup_train(trainer.lightning_module, self.train_pool, quality / self.scale)
        pool, quality = self._validation_pool()
        self.validation = PickValidation(quality[..., 0], pool.llm)
        self.setup_validation(trainer.lightning_module, pool, quality / self.scale)
        self._ready = True

    @abstractmethod
    def setup_train(self, ranker: Any, pool: Pool, quality: np.ndarray) -> None:
        """Takes the training prompts and their qualities [Q, N, tasks], to scale."""

    @abstractmethod
    def setup_validation(self, ranker: Any, pool: Pool, quality: np.ndarray) -> None:
        """Takes the validation prompts and their qualities [Q, N, tasks], to scale."""

    def loader(
        self, dataset: Any, length: np.ndarray, seed: Sequence[int] | None
    ) -> "DataLoader[Any]":
        """Batches of a dataset whose items have these lengths [n] in tokens.

        Shuffled by a seed, or, without, longest first.
        """
        return token_loader(dataset, length, self.tokens_per_batch, self.trainer, seed)

    @cached_property
    def train_pool(self) -> Pool:
        """The training prompts."""
        pool = load_pool(self.store, self.datasets, "train", self.llms, with_text=True)
        return pool.subset(self._chosen(len(pool.prompt_ids), self.max_train_prompts))

    def _validation_pool(self) -> tuple[Pool, np.ndarray]:
        pool = load_pool(
            self.store, self.datasets, "validation", self.validation_llms, with_text=True
        )
        quality = self.qualities(pool)
        usable = np.flatnonzero((~np.isnan(quality[..., 0])).sum(axis=1) > 1)
        if not len(usable):
            raise MissingInput(
                f"no validation prompt has two candidates measured by {self.measures[0]}"
            )
        chosen = usable[self._chosen(len(usable), self.max_validation_prompts)]
        return pool.subset(chosen), quality[chosen]

    def qualities(self, pool: Pool) -> np.ndarray:
        """[Q, N, tasks] qualities, NaN where not measured."""
        return np.stack([load_quality(self.store, pool, m) for m in self.measures], axis=2)

    def _chosen(self, count: int, most: int | None) -> np.ndarray:
        if most is None or most >= count:
            return np.arange(count)
        return np.sort(np.random.default_rng([self.seed, 4]).permutation(count)[:most])
