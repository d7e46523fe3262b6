"""Training data of fusers: prompts with their top candidates, and the reference to be written."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from torch.utils.data import DataLoader

from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.fusion.choosing import ORDERS, in_order, noisy_scores, top_places
from workbench.fusion.examples import FusionBatch, FusionExamples, prompt_arrays
from workbench.fusion.pool_scores import measured_scores, ranked_scores
from workbench.fusion.targets import target_arrays
from workbench.fusion.texts import FusionValidation, Texts, load_referenced, referenced_pool
from workbench.models.batches import check_budget
from workbench.models.loader import check_reloading, token_loader
from workbench.models.trainable import TrainingData
from workbench.quality import MEASURES
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import Pool, check_names
from workbench.store.store import Store

TRAIN_CANDIDATES = ("ranker", "quality", "random")
_SEEN = """
    select c.candidate_id, p.split, p.reference, q.value, r.score
    from candidates c join prompts p using (prompt_id)
    left join qualities q on q.candidate_id = c.candidate_id and q.measure = $measure
    left join rankings r
      on r.candidate_id = c.candidate_id and r.ranker = $ranker and r.scheme = $scheme
    where p.split <> 'test' and p.reference is not null
      and ($datasets is null or list_contains($datasets, p.dataset))
"""


class FusionData(TrainingData):
    """Splits `train` and `validation` of the store; the split `test` is never read.

    Args:
        measure: judges what is written in validation; any lexical measure.
        ranker: whose top candidates are shown: its id in the store, or the beginning; "random";
            None: the only one that there is.
        scheme: of its ranking.
        top_k: most candidates shown.
        vary_k: shows 1 to `top_k` in training, drawn anew each epoch, so that one fuser serves
            every K; else always `top_k`.
        order: "rank", "reversed" or "shuffled".
        train_candidates: which candidates are shown in training: "ranker", the ranker's own top,
            of the training split too; "quality", the top by `measure` blurred with `noise` anew
            each epoch, which needs no ranking there and shows many combinations; or "random".
        noise: of "quality", in spreads of quality within a prompt.
        datasets: names of datasets; None takes all.
        llms: whose candidates are shown; None takes all.
        tokens_per_batch: budget of a batch in tokens, read and written, padding counted.
        max_train_prompts: a seeded subset of the prompts; null takes all.
        max_validation_prompts: the same for validation.
        seed: of subsets, what is drawn, and batches.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    needs = "fuse"
    reads_rankings = True

    def __init__(
        self,
        measure: str = "rougeL@1",
        *,
        ranker: str | None = None,
        scheme: str = "max_logits",
        top_k: int = 3,
        vary_k: bool = True,
        order: Literal["rank", "reversed", "shuffled"] = "rank",
        train_candidates: Literal["ranker", "quality", "random"] = "ranker",
        noise: float = 1.0,
        datasets: Sequence[str] | None = None,
        llms: Sequence[str] | None = None,
        tokens_per_batch: int = 16384,
        max_train_prompts: int | None = None,
        max_validation_prompts: int | None = 200,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        MEASURES[measure]
        check_budget(tokens_per_batch)
        if order not in ORDERS:
            raise UnknownName("candidate order", order, ORDERS)
        if train_candidates not in TRAIN_CANDIDATES:
            raise UnknownName("train_candidates", train_candidates, TRAIN_CANDIDATES)
        for name, count in (
            ("top_k", top_k),
            ("max_train_prompts", max_train_prompts),
            ("max_validation_prompts", max_validation_prompts),
        ):
            if count is not None and count < 1:
                raise BadValue(name, count, "a positive number")
        if not 0 <= noise < float("inf"):
            raise BadValue("noise", noise, "0 or more")
        self.validation: FusionValidation
        self._store: Store | None = None
        self._ready = False

    def take_ranking(self, ranker: str, scheme: str) -> None:
        """Takes the full id of the ranker and the canonical scheme."""
        self.hparams["ranker"], self.hparams["scheme"] = ranker, scheme

    def connect(self, store: Store) -> Self:
        """Gives the store to read from; before anything else."""
        self._store = store
        return self

    @property
    def store(self) -> Store:
        """The store; raises MissingInput before `connect`."""
        if self._store is None:
            raise MissingInput("FusionData has no store yet: call connect(store) first")
        return self._store

    def check(self, model: Any) -> None:
        """Raises before any work what `setup` would.

        Raises:
            UnknownName: a dataset, LLM or measure that the store does not hold.
            MissingInput: a split without references, rankings or qualities.
        """
        check_names(self.store, "dataset", self.hparams["datasets"])
        check_names(self.store, "llm", self.hparams["llms"])
        self._training_scores()
        self._ranked(self.validation_pool, "validation")

    def seen(self, model: Any) -> str:
        """Fingerprint of what training and validation may read."""
        names = ("measure", "ranker", "scheme", "datasets")
        return fingerprint(self.store, _SEEN, {name: self.hparams[name] for name in names})

    def training_texts(self) -> Iterator[str]:
        """Texts of the training prompts, for a tiny model's vocabulary."""
        texts = self.train_texts
        yield from texts.instructions
        yield from texts.inputs
        yield from texts.references
        yield from (text for text in texts.candidates.ravel() if text is not None)

    def setup(self, stage: str) -> None:
        """Reads, tokenises and checks everything, once, before the first step.

        Raises:
            UnknownName, MissingInput: see `check`.
            BadValue: a Trainer that would show the same in every epoch.
        """
        trainer: Any = self.trainer
        if self._ready:
            return
        check_reloading(trainer)
        self._fuser = fuser = trainer.lightning_module
        self._train_targets = target_arrays(fuser, self.train_texts.references)
        self._train_scores = self._training_scores()
        self.validation = shown = self._shown_in_validation()
        prompts = prompt_arrays(fuser, shown.instructions, shown.inputs, shown.candidates)
        self._validation_set = self._examples(prompts, target_arrays(fuser, shown.references))
        self._ready = True

    def train_dataloader(self) -> DataLoader[FusionBatch]:
        """Batches of this epoch's examples, shuffled."""
        trainer: Any = self.trainer
        epoch, seed = int(trainer.current_epoch), self.hparams["seed"]
        texts, random = self.train_texts, np.random.default_rng([seed, 1, epoch])
        top_k = self.hparams["top_k"]
        if self.hparams["vary_k"]:
            top_k = random.integers(1, top_k + 1, len(texts.references))
        places = top_places(texts.pool, self._train_scores(random), top_k)
        shown = texts.shown(self._ordered(places, random))
        prompts = prompt_arrays(self._fuser, texts.instructions, texts.inputs, shown)
        return self._loader(self._examples(prompts, self._train_targets), [seed, 2, epoch])

    def val_dataloader(self) -> DataLoader[FusionBatch]:
        """Batches of the validation prompts, longest first."""
        return self._loader(self._validation_set, None)

    def _loader(
        self, examples: FusionExamples, seed: Sequence[int] | None
    ) -> DataLoader[FusionBatch]:
        return token_loader(
            examples, examples.length(), self.hparams["tokens_per_batch"], self.trainer, seed
        )

    def _examples(
        self, prompts: Sequence[np.ndarray], targets: Sequence[np.ndarray]
    ) -> FusionExamples:
        return FusionExamples(prompts, targets, self._fuser.pad, self._fuser.causal)

    @cached_property
    def train_pool(self) -> Pool:
        """The training prompts that have a reference."""
        return self._pool("train", self.hparams["max_train_prompts"])

    @cached_property
    def validation_pool(self) -> Pool:
        """The same of validation."""
        return self._pool("validation", self.hparams["max_validation_prompts"])

    def _pool(self, split: str, most: int | None) -> Pool:
        h = self.hparams
        return referenced_pool(self.store, split, h["datasets"], h["llms"], most, h["seed"])

    @cached_property
    def train_texts(self) -> Texts:
        """Texts of the training prompts."""
        return load_referenced(self.store, self.train_pool)

    def _training_scores(self) -> Callable[[np.random.Generator], np.ndarray]:
        """Gives [Q, N] scores that an epoch's candidates are chosen by."""
        pool, chosen = self.train_pool, self.hparams["train_candidates"]
        if chosen == "random":
            return lambda random: random.random(pool.mask.shape)
        if chosen == "quality":
            quality = measured_scores(self.store, pool, "train", self.hparams["measure"])
            noise = self.hparams["noise"]
            return lambda random: noisy_scores(quality, noise, random)
        scores = self._ranked(pool, "train")
        return lambda random: scores

    def _ranked(self, pool: Pool, split: str) -> np.ndarray:
        """[Q, N] scores of the ranking; raises MissingInput where a prompt has none."""
        h = self.hparams
        if h["ranker"] is None:
            raise MissingInput("FusionData was given no ranking: name a ranker")
        return ranked_scores(self.store, pool, split, h["ranker"], h["scheme"], h["seed"])

    def _shown_in_validation(self) -> FusionValidation:
        texts = load_referenced(self.store, self.validation_pool)
        scores = self._ranked(texts.pool, "validation")
        places = top_places(texts.pool, scores, self.hparams["top_k"])
        ordered = self._ordered(places, np.random.default_rng([self.hparams["seed"], 5]))
        return FusionValidation(
            texts.pool.prompt_ids,
            texts.instructions,
            texts.inputs,
            texts.references,
            texts.shown(ordered),
            [first for first, *_ in texts.shown(places)],
            self.hparams["measure"],
        )

    def _ordered(
        self, places: Sequence[np.ndarray], random: np.random.Generator
    ) -> list[np.ndarray]:
        return [in_order(some, self.hparams["order"], random) for some in places]
