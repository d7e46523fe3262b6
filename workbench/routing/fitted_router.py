"""Routers that are fitted in one go and kept as arrays: their fitting, figures and files.

config.json         the format, the class and its options, and what was chosen on validation
model.safetensors   all arrays
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from pytorch_lightning.core.mixins import HyperparametersMixin
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from workbench.errors import BadModel
from workbench.models import saved
from workbench.models.content import content
from workbench.models.inferring import check_inference
from workbench.models.trainable import Fitted
from workbench.routing.data import RouterData
from workbench.routing.examples import rewards_by_name
from workbench.routing.router import Router
from workbench.routing.validation import RouteValidation

_ARRAYS = "model.safetensors"


class FittedRouter(Fitted, Router, HyperparametersMixin):
    """A router without a Trainer. Its constructor only checks and keeps its options.

    A subclass gives `learn_from`, `utilities_of`, `arrays` and `take_arrays`.

    Args:
        llms: to choose from; taken from the data in training.
    """

    def __init__(self, *, llms: Sequence[str] | None = None) -> None:
        super().__init__()
        # All options, those of the subclasses too, as plain values.
        self.save_hyperparameters()
        for name, value in self.hparams.items():
            if isinstance(value, list) and name != "llms":  # as defaults are, wherever from
                self.hparams[name] = tuple(value)
        self.llms = list(llms or ())
        self.chosen: dict[str, float] = {}
        """Settings that were chosen on validation."""
        self.learned = False

    @abstractmethod
    def learn_from(
        self,
        prompts: Sequence[str],
        rewards: np.ndarray,
        held_out: Sequence[str],
        held_out_rewards: np.ndarray,
        data: RouterData,
    ) -> np.ndarray:
        """Learns from training prompts with rewards [Q, L], and gives the utilities [H, L] of the
        held-out ones.

        A reward that is NaN is not known; every prompt and every LLM has one in training.
        """

    @abstractmethod
    def utilities_of(
        self,
        prompts: Sequence[str],
        tokens_per_batch: int,
        precision: str,
        progress: Callable[[int], None] | None,
    ) -> np.ndarray:
        """Utilities [P, L] of P >= 1 prompts, see `Router.utilities`."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learned; all numbers finite."""

    @abstractmethod
    def take_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes what `arrays` gave."""

    def fit(self, data: RouterData) -> dict[str, float]:
        """Learns from connected data.

        Returns:
            `validation/…` of `RouteValidation.metrics`, in the unit of the measure, and
            `chosen/…`, the settings that were chosen on validation.

        Raises:
            BadModel: it knows no LLMs yet, or cannot load its encoder.
            MissingInput: nothing to learn, see `RouterData.rewards_of`.
        """
        self.check_llms()
        rewards, held_out_rewards = data.rewards_of(self.llms)
        prompts, held_out = data.train.prompts, data.held_out.prompts
        # By their texts, so that nothing learned depends on the order of the store.
        known = np.isfinite(rewards).any(axis=1)
        rows = [row for row in np.argsort(np.array(prompts, object), kind="stable") if known[row]]
        kept = np.flatnonzero(np.isfinite(held_out_rewards).any(axis=1))
        utilities = self.learn_from(
            [prompts[row] for row in rows],
            rewards[rows],
            [held_out[row] for row in kept],
            held_out_rewards[kept],
            data,
        )
        self.learned = True
        raw = rewards_by_name(data.held_out, self.llms)[kept]
        figures = RouteValidation(raw).metrics(utilities)
        told = {f"validation/{name}": value for name, value in figures.items()}
        return told | {f"chosen/{name}": value for name, value in self.chosen.items()}

    def utilities(
        self,
        prompts: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Utilities [P, LLMs], see `Router.utilities`."""
        self.check_learned()
        check_inference((), tokens_per_batch, precision)
        if not len(prompts):
            return np.zeros((0, len(self.llms)))
        found = self.utilities_of(prompts, tokens_per_batch, precision, progress)
        if not np.isfinite(found).all():
            raise BadModel(f"this {type(self).__name__} gives utilities that are not finite")
        return np.asarray(found, np.float64)

    def check_learned(self) -> None:
        """Raises BadModel before `fit`."""
        self.check_llms()
        if not self.learned:
            raise BadModel(f"this {type(self).__name__} is not trained: call fit() or load it")

    def save_pretrained(self, directory: str | Path) -> None:
        """Writes options and arrays into a directory, which is made."""
        self.check_learned()
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.ascontiguousarray(value) for name, value in self.arrays().items()}
        save_file(arrays, folder / _ARRAYS)
        self.save_beside(folder)
        beside = {"arrays": content(folder, _ARRAYS), "chosen": self.chosen}
        saved.write_json(folder / "config.json", saved.described(self) | beside | self.told())

    @classmethod
    def from_pretrained(cls, directory: str | Path) -> Self:
        """Reads what `save_pretrained` wrote, without any hub.

        Raises:
            BadModel: a file is missing, damaged or of another model, or it is a model of another
                class.
        """
        folder = Path(directory)
        router: Self = saved.empty_model(cls, folder)
        config = saved.read_json(folder / "config.json")
        router.check_llms()
        router.load_beside(folder, config)
        try:
            router.take_arrays(_read_arrays(folder, config))
        except (KeyError, IndexError) as error:
            raise BadModel(f"{folder / _ARRAYS} lacks {error}") from error
        router.chosen = dict(config.get("chosen", {}))
        router.learned = True
        return router

    def told(self) -> dict[str, Any]:
        """What config.json holds beside options."""
        return {}

    def save_beside(self, directory: Path) -> None:
        """Writes other files than these two."""

    def load_beside(self, directory: Path, config: Mapping[str, Any]) -> None:
        """Loads what is beside the arrays; before `take_arrays`."""


def _read_arrays(directory: Path, config: Mapping[str, Any]) -> dict[str, np.ndarray]:
    file = directory / _ARRAYS
    if not file.is_file():
        raise BadModel(f"{file} is missing")
    if content(directory, _ARRAYS) != config.get("arrays"):
        raise BadModel(f"{file} is damaged, or of another router than config.json beside it")
    try:
        arrays: dict[str, np.ndarray] = load_file(file)
    except SafetensorError as error:
        raise BadModel(f"{file} is damaged: {error}") from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise BadModel(f"{file}: '{name}' is not finite")
    return arrays
