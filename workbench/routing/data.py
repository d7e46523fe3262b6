"""What routers see of a store: prompts of `train` and `validation` with rewards and tags."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from torch.utils.data import DataLoader

from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.evaluation.spread import spread
from workbench.models.batches import check_budget
from workbench.models.loader import check_reloading, token_loader
from workbench.models.trainable import TrainingData
from workbench.routing.batches import RoutingBatch, RoutingDataset, dataset_of
from workbench.routing.enhancement import check_enhancement, enhanced_rewards
from workbench.routing.examples import RoutingExamples, load_examples, rewards_by_name, rows_without
from workbench.routing.groups import prompt_groups
from workbench.routing.learnable import CATEGORY, check_learnable, rewarded_llms, tags_by
from workbench.routing.seen import routing_seen
from workbench.routing.validation import RouteValidation
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.tracking import work_folder

_SPLITS = ("train", "validation")
REWARDS = ("quality", "ranker")
"""What the reward of a training prompt may be."""


class RouterData(TrainingData):
    """Splits `train` and `validation` of the store; the split `test` is never read.

    Rewards of training prompts are mixed with those of their tags where `beta` is below 1
    (`enhanced_rewards`); validation always looks at the rewards themselves.

    Args:
        measure: the quality measure that is the reward: any in the store. Validation is always
            by it.
        reward: `quality`: by `measure`; `ranker`: scores that a ranker has given the answers to
            the training prompts, such as those of a `RewardModel`.
        ranker: whose scores are the reward; null takes the only one with rankings, or the one
            that the same experiment file has made last.
        scheme: whose scores they are; of a reward model those of `max_logits` are its own, less
            their mean over the prompt's candidates, and times twice their count.
        datasets: None takes all that the store holds.
        llms: to choose from; None takes all that have rewards in training.
        leave_out: categories that neither training nor validation sees, to test how a router
            does on what it does not know.
        beta: share of a prompt's own reward; 1: no tag-based enhancement.
        tagger: whose tags are used (`workbench tag`), or `category`; needed where beta < 1, and
            by a router that learns from groups of prompts.
        min_tag_prompts: tags of fewer training prompts are not used.
        standardise: divides rewards by their spread within training prompts, so that a
            temperature means the same whatever the measure.
        tokens_per_batch: budget of a batch in tokens, padding counted.
        max_train_prompts, max_validation_prompts: a seeded subset; None takes all.
        seed: of subsets and batches.

    Raises:
        BadValue: an option that cannot be used.
    """

    needs = "take_llms"

    @property
    def told(self) -> str:  # type: ignore[override]
        """Whether a ranker rewards, rewards are mixed, and what is left out."""
        h = self.hparams
        ranked = "ranker's reward" if self.reads_rankings else ""
        mixed = f"β={h['beta']:g}" if h["beta"] < 1 else ""
        return " ".join(filter(None, [ranked, mixed, "without some" if h["leave_out"] else ""]))

    @property
    def reads_rankings(self) -> bool:  # type: ignore[override]
        """Whether a ranker gives the rewards."""
        return bool(self.hparams["reward"] == "ranker")

    def __init__(
        self,
        measure: str,
        *,
        reward: Literal["quality", "ranker"] = "quality",
        ranker: str | None = None,
        scheme: str = "max_logits",
        datasets: Sequence[str] | None = None,
        llms: Sequence[str] | None = None,
        leave_out: Sequence[str] | None = None,
        beta: float = 1.0,
        tagger: str | None = None,
        min_tag_prompts: int = 2,
        standardise: bool = True,
        tokens_per_batch: int = 16384,
        max_train_prompts: int | None = None,
        max_validation_prompts: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        check_budget(tokens_per_batch)
        check_enhancement(beta, min_tag_prompts)
        if reward not in REWARDS:
            raise UnknownName("reward", reward, REWARDS)
        if beta < 1 and tagger is None:
            raise BadValue("tagger", tagger, "the name of a tagger, where beta is below 1")
        for name in ("max_train_prompts", "max_validation_prompts"):
            if (most := self.hparams[name]) is not None and most < 1:
                raise BadValue(name, most, "a positive number, or null for all")
        self._store: Store | None = None
        self._ready_for: Any = None

    def take_ranking(self, ranker: str, scheme: str) -> None:
        """Takes the full id of the ranker that rewards, and the canonical scheme."""
        self.hparams["ranker"], self.hparams["scheme"] = ranker, scheme

    def connect(self, store: Store) -> Self:
        """Gives the store to read from; before anything else."""
        self._store = store
        return self

    @property
    def store(self) -> Store:
        """The store; raises MissingInput before `connect`."""
        if self._store is None:
            raise MissingInput("RouterData has no store yet: call connect(store) first")
        return self._store

    @property
    def folder(self) -> Path:
        """Where vectors of the store's prompts may be kept."""
        return work_folder(self.store.path)

    def check(self, model: Any) -> None:
        """Raises before any work what does not fit, and tells the router its LLMs.

        Raises:
            UnknownName: a measure, dataset, LLM, category or tagger that the store does not hold.
            BadValue: the router is one of other LLMs, or needs a tagger.
            MissingInput: no rewards or none that differ, fewer than two LLMs with rewards, an LLM
                that was asked for has none in training, or a tagger that has tagged nothing.
        """
        h = self.hparams
        check_names(self.store, "measure", [h["measure"]])
        check_names(self.store, "dataset", h["datasets"])
        check_names(self.store, "llm", h["llms"])
        check_names(self.store, "category", h["leave_out"])
        if h["tagger"] not in (None, CATEGORY):
            check_names(self.store, "tagger", [h["tagger"]])
        if model.reads_groups and h["tagger"] is None:
            kind = type(model).__name__
            raise BadValue("tagger", None, f"a tagger or 'category': {kind} learns from groups")
        llms = h["llms"] and sorted(set(h["llms"]))
        llms = llms or rewarded_llms(self.train, self.held_out, self._reward)
        self.rewards_of(llms)  # raises where there is nothing to learn
        if model.reads_groups:
            _ = self.tags  # raises where there are none
        model.take_llms(llms)

    def seen(self, model: Any) -> str:
        """Fingerprint of what training and validation may read."""
        return routing_seen(self.store, self.hparams)

    def training_texts(self) -> Iterator[str]:
        """The training prompts, for a tiny model's vocabulary."""
        yield from self.train.prompts

    @cached_property
    def train(self) -> RoutingExamples:
        """Training prompts with their rewards as they were measured."""
        return self._examples("train", self.hparams["max_train_prompts"])

    @cached_property
    def held_out(self) -> RoutingExamples:
        """Validation prompts with their rewards."""
        return self._examples("validation", self.hparams["max_validation_prompts"])

    def rewards_of(self, llms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """What is learned and what is held out: rewards [Q, L] of these LLMs, to scale; those of
        training after label enhancement. A ranker's scores and the qualities that validate have
        each their scale; the latter are moved to the mean of the former, so that errors tell.

        Raises:
            MissingInput: an LLM without a reward in training, fewer than two of them, no training
                prompt on which their rewards differ, or no validation prompt with one.
        """
        h = self.hparams
        train, held_out = (rewards_by_name(part, llms) for part in (self.train, self.held_out))
        check_learnable(train, held_out, llms, self._reward)
        parts = [train, held_out if self.reads_rankings else train]
        scales = [float(spread(p[..., None])[0]) if h["standardise"] else 1.0 for p in parts]
        if h["beta"] < 1:
            train = enhanced_rewards(train, self.tags, h["beta"], h["min_tag_prompts"])
        train, held_out = train / scales[0], held_out / scales[1]
        if self.reads_rankings:
            held_out = held_out - np.nanmean(held_out) + np.nanmean(train)
        return train, held_out

    def setup(self, stage: str) -> None:
        """Reads, tokenises and checks everything for the Trainer, once for each router."""
        trainer: Any = self.trainer
        model = trainer.lightning_module
        if self._ready_for is model:
            return
        check_reloading(trainer)
        train, held_out = self.rewards_of(model.llms)
        group = prompt_groups(self.tags) if model.reads_groups else None
        self._train_set = dataset_of(model, self.train.prompts, train, group)
        self._held_out_set = dataset_of(model, self.held_out.prompts, held_out)
        raw = rewards_by_name(self.held_out, model.llms)
        self.validation = RouteValidation(raw[np.isfinite(raw).any(axis=1)])
        model.take_rewards(self._train_set.rewards)
        self._ready_for = model

    def train_dataloader(self) -> "DataLoader[RoutingBatch]":
        """Batches of all training prompts, shuffled."""
        trainer: Any = self.trainer
        seed = [self.hparams["seed"], 2, int(trainer.current_epoch)]
        return self._loader(self._train_set, seed)

    def val_dataloader(self) -> "DataLoader[RoutingBatch]":
        """Batches of the validation prompts, longest first."""
        return self._loader(self._held_out_set, None)

    def _loader(
        self, dataset: RoutingDataset, seed: Sequence[int] | None
    ) -> "DataLoader[RoutingBatch]":
        tokens = self.hparams["tokens_per_batch"]
        return token_loader(dataset, dataset.length(), tokens, self.trainer, seed)

    def _examples(self, split: str, most: int | None) -> RoutingExamples:
        h = self.hparams
        ranked = self.reads_rankings and split == "train"
        reward = (h["ranker"], h["scheme"]) if ranked else h["measure"]
        found = load_examples(self.store, reward, split, h["datasets"], h["llms"])
        rows = rows_without(found, h["leave_out"], split)
        if most is not None and most < len(rows):
            random = np.random.default_rng([h["seed"], 4, _SPLITS.index(split)])
            rows = np.sort(random.choice(rows, most, replace=False))
        return found.subset(rows)

    @property
    def _reward(self) -> str:
        h = self.hparams
        return "/".join((h["ranker"], h["scheme"])) if self.reads_rankings else h["measure"]

    @cached_property
    def tags(self) -> list[list[str]]:
        """Tags of the training prompts by the tagger; raises MissingInput where none has any."""
        return tags_by(self.store, self.train, self.hparams["tagger"])
