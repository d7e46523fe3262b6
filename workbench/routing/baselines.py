"""Routers that do not read the prompt: the lines that every other has to pass."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from workbench.errors import BadValue, UnknownName
from workbench.routing.data import RouterData
from workbench.routing.fitted_router import FittedRouter
from workbench.routing.selection import known_means


class ConstantRouter(FittedRouter):
    """The same utility of an LLM for all prompts.

    A subclass gives `constants`.
    """

    @abstractmethod
    def constants(self, rewards: np.ndarray) -> np.ndarray:
        """Utility [L] of each LLM, from the rewards [Q, L] in training (NaN: not known)."""

    def learn_from(
        self,
        prompts: Sequence[str],
        rewards: np.ndarray,
        held_out: Sequence[str],
        held_out_rewards: np.ndarray,
        data: RouterData,
    ) -> np.ndarray:
        """See `FittedRouter.learn_from`."""
        self._constants = np.asarray(self.constants(rewards), np.float64)
        return np.tile(self._constants, (len(held_out), 1))

    def utilities_of(
        self,
        prompts: Sequence[str],
        tokens_per_batch: int,
        precision: str,
        progress: Callable[[int], None] | None,
    ) -> np.ndarray:
        """The constants, for each prompt."""
        if progress is not None:
            progress(len(prompts))
        return np.tile(self._constants, (len(prompts), 1))

    def arrays(self) -> dict[str, np.ndarray]:
        """The constants."""
        return {"constants": self._constants}

    def take_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes them."""
        self._constants = arrays["constants"]


class BestSingleRouter(ConstantRouter):
    """The mean reward of each LLM in training: always the best of them.

    Args:
        llms: to choose from; taken from the data in training.
    """

    def constants(self, rewards: np.ndarray) -> np.ndarray:
        """Means; of an LLM known on fewer than half as many prompts as another, no more than the
        least of the others: it may have met the easy ones alone."""
        count = np.isfinite(rewards).sum(axis=0)
        means = known_means(rewards)
        enough = count >= count.max() / 2
        return np.where(enough, means, np.minimum(means, means[enough].min()))


class CheapestRouter(ConstantRouter):
    """Always the cheapest LLM. Utilities are costs below 0, on no scale of rewards.

    Args:
        llms: to choose from; taken from the data in training.
        cheapest: all of them in the order of cost, the cheapest first. Or
        costs: the cost of each, in any unit.

    Raises:
        BadValue: both or neither are given, or a cost that is negative or not finite.
    """

    def __init__(
        self,
        *,
        llms: Sequence[str] | None = None,
        cheapest: Sequence[str] | None = None,
        costs: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(llms=llms)
        if (cheapest is None) == (costs is None):
            raise BadValue("cheapest and costs", (cheapest, costs), "one of them")
        for llm, cost in (costs or {}).items():
            if not 0 <= cost < float("inf"):
                raise BadValue(f"costs[{llm}]", cost, "0 or more")
        if cheapest is not None:
            costs = {llm: float(place) for place, llm in enumerate(cheapest)}
        self._costs = dict(costs or {})

    def take_llms(self, llms: Sequence[str]) -> None:
        """Takes the LLMs to choose from; raises UnknownName for one without a cost."""
        for llm in llms:
            if llm not in self._costs:
                raise UnknownName("LLM with a cost", llm, self._costs)
        super().take_llms(llms)

    def constants(self, rewards: np.ndarray) -> np.ndarray:
        """Costs below 0."""
        return 0.0 - np.array([self._costs[llm] for llm in self.llms])


class RandomRouter(FittedRouter):
    """A random LLM: utilities from 0 to 1, drawn anew for each prompt, by its text.

    Equal prompts get equal utilities, in whatever order they come.

    Args:
        llms: to choose from; taken from the data in training.
        seed: another one draws others.
    """

    def __init__(self, *, llms: Sequence[str] | None = None, seed: int = 0) -> None:
        super().__init__(llms=llms)

    def learn_from(
        self,
        prompts: Sequence[str],
        rewards: np.ndarray,
        held_out: Sequence[str],
        held_out_rewards: np.ndarray,
        data: RouterData,
    ) -> np.ndarray:
        """Learns nothing."""
        return self.utilities_of(held_out, 1, "float32", None)

    def utilities_of(
        self,
        prompts: Sequence[str],
        tokens_per_batch: int,
        precision: str,
        progress: Callable[[int], None] | None,
    ) -> np.ndarray:
        """Draws [P, L]."""
        seed = str(self.hparams["seed"]).encode()
        found = np.array([[_draw(seed, llm, text) for llm in self.llms] for text in prompts])
        if progress is not None:
            progress(len(prompts))
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """None; a file must hold something."""
        return {"seed": np.array([self.hparams["seed"]])}

    def take_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Nothing to take."""


def _draw(seed: bytes, llm: str, text: str) -> float:
    """A number from 0 to 1 that only these three decide."""
    parts = (seed, llm.encode(), text.encode())
    digest = hashlib.sha256(b"\0".join(parts)).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)
