"""What routers see of a store: prompts of `train` and `validation` with rewards and tags."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from torch.utils.data import DataLoader

from workbench import terminal
from workbench.errors import BadValue, MissingInput
from workbench.evaluation.spread import spread
from workbench.models.batches import check_budget
from workbench.models.loader import check_reloading, token_loader
from workbench.models.trainable import TrainingData
from workbench.routing.batches import RoutingBatch, RoutingDataset
from workbench.routing.enhancement import check_enhancement, enhanced_rewards
from workbench.routing.examples import RoutingExamples, load_examples, load_tags
from workbench.routing.validation import RouteValidation
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import check_names, names_of
from workbench.store.store import Store
from workbench.tracking import work_folder

CATEGORY = "category"
"""The tagger that every store has: a prompt's only tag is its category."""
_SPLITS = ("train", "validation")


class RouterData(TrainingData):
    """Splits `train` and `validation` of the store; the split `test` is never read.

    Rewards of training prompts are mixed with those of their tags where `beta` is below 1
    (`enhanced_rewards`); validation always looks at the rewards themselves.

    Args:
        measure: the quality measure that is the reward: any in the store, a reward model's too.
        datasets: None takes all that the store holds.
        llms: to choose from; None takes all that have rewards in training.
        leave_out: categories that neither training nor validation sees, to test how a router
            does on what it does not know.
        beta: share of a prompt's own reward; 1: no tag-based enhancement.
        tagger: whose tags are used (`workbench tag`), or `category`; needed where beta < 1.
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

    def __init__(
        self,
        measure: str,
        *,
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
        if beta < 1 and tagger is None:
            raise BadValue("tagger", tagger, "the name of a tagger, where beta is below 1")
        for name in ("max_train_prompts", "max_validation_prompts"):
            if (most := self.hparams[name]) is not None and most < 1:
                raise BadValue(name, most, "a positive number, or null for all")
        self._store: Store | None = None

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
            MissingInput: no rewards, fewer than two LLMs with rewards, or an LLM that was asked
                for has none in training.
        """
        h = self.hparams
        check_names(self.store, "measure", [h["measure"]])
        check_names(self.store, "dataset", h["datasets"])
        check_names(self.store, "llm", h["llms"])
        check_names(self.store, "category", h["leave_out"])
        if h["tagger"] not in (None, CATEGORY):
            check_names(self.store, "tagger", [h["tagger"]])
        rewarded = [
            llm
            for llm, known in zip(
                self.train.llms, np.isfinite(self.train.rewards).any(axis=0), strict=True
            )
            if known
        ]
        for llm in h["llms"] or ():
            if llm not in rewarded:
                raise MissingInput(
                    f"LLM '{llm}' has no training prompt with a reward by {h['measure']}: measure "
                    "its answers, or leave it out of `llms`"
                )
        without = sorted(set(names_of(self.store, "llm")) & set(self.train.llms) - set(rewarded))
        if without:
            terminal.say(f"without a reward by {h['measure']}, not routed to: {', '.join(without)}")
        if len(rewarded) < 2:
            raise MissingInput(
                f"{len(rewarded)} LLM with rewards by {h['measure']} in training: routing needs two"
            )
        model.take_llms(rewarded)

    def seen(self, model: Any) -> str:
        """Fingerprint of what training and validation may read."""
        h = self.hparams
        return fingerprint(
            self.store,
            "select c.candidate_id, p.split, p.category, q.value, "
            "(select list(t.tag order by t.tag) from tags t "
            " where t.prompt_id = p.prompt_id and t.tagger = $tagger) as tags "
            "from candidates c join prompts p using (prompt_id) "
            "join qualities q on q.candidate_id = c.candidate_id and q.measure = $measure "
            "where p.split <> 'test' "
            "and ($datasets is null or list_contains($datasets, p.dataset))",
            {"measure": h["measure"], "datasets": h["datasets"], "tagger": h["tagger"]},
        )

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
        training after label enhancement.

        Raises:
            MissingInput: no training prompt has LLMs that differ in reward.
        """
        h = self.hparams
        train, held_out = (_columns(part, llms) for part in (self.train, self.held_out))
        low, high = np.fmin.reduce(train, axis=1), np.fmax.reduce(train, axis=1)
        if not (high > low).any():
            raise MissingInput(
                f"on no training prompt do the rewards of two LLMs by {h['measure']} differ: "
                "nothing to learn from"
            )
        scale = float(spread(train[..., None])[0]) if h["standardise"] else 1.0
        if h["beta"] < 1:
            train = enhanced_rewards(train, self._tags(), h["beta"], h["min_tag_prompts"])
        return train / scale, held_out / scale

    def setup(self, stage: str) -> None:
        """Reads, tokenises and checks everything for the Trainer, once."""
        if hasattr(self, "_train_set"):
            return
        trainer: Any = self.trainer
        check_reloading(trainer)
        model = trainer.lightning_module
        train, held_out = self.rewards_of(model.llms)
        known = np.flatnonzero(np.isfinite(train).any(axis=1))
        texts = [self.train.prompts[row] for row in known]
        self._train_set = RoutingDataset(model.frame(texts), train[known], model.framing.pad)
        self._held_out_set = RoutingDataset(
            model.frame(self.held_out.prompts), held_out, model.framing.pad
        )
        self.validation = RouteValidation(_columns(self.held_out, model.llms))

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
        found = load_examples(self.store, h["measure"], split, h["datasets"], h["llms"])
        left_out = set(h["leave_out"] or ())
        rows = np.flatnonzero([category not in left_out for category in found.category])
        if not len(rows):
            raise MissingInput(f"leave_out {sorted(left_out)} leaves no {split} prompt")
        if most is not None and most < len(rows):
            random = np.random.default_rng([h["seed"], 4, _SPLITS.index(split)])
            rows = np.sort(random.choice(rows, most, replace=False))
        return found.subset(rows)

    def _tags(self) -> list[list[str]]:
        """Tags of the training prompts; tells of those that do not count."""
        tagger = self.hparams["tagger"]
        if tagger == CATEGORY:
            return [[name] if name else [] for name in self.train.category]
        tags = load_tags(self.store, self.train.prompt_ids, tagger)
        without = sum(not given for given in tags)
        if without == len(tags):
            raise MissingInput(f"tagger '{tagger}' has tagged no training prompt: `workbench tag`")
        if without:
            terminal.say(f"{without} training prompts without a tag by {tagger} keep their rewards")
        return tags


def _columns(examples: RoutingExamples, llms: Sequence[str]) -> np.ndarray:
    """[Q, L] rewards of these LLMs; NaN for one that answers none of the prompts."""
    place = {name: i for i, name in enumerate(examples.llms)}
    none = np.full(len(examples.prompts), np.nan)
    return np.stack([examples.rewards[:, place[n]] if n in place else none for n in llms], axis=1)
