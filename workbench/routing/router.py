"""What every router gives: the utility of each LLM for a prompt, before any LLM has answered."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from workbench.errors import BadModel, BadValue
from workbench.models.trainable import Learner


class Router(Learner):
    """Tells from a prompt alone what each LLM's answer would be worth.

    To add one, derive from `EncoderRouter` (an encoder is trained) or from `EmbeddingRouter`
    (anything that learns from fixed vectors of the prompts). What is chosen with the utilities
    is a policy's matter, see `policies`.
    """

    kind = "router"
    llms: list[str]
    """Names of the LLMs, in the order of the columns; known once it is trained."""

    @property
    def reads_groups(self) -> bool:
        """Whether it learns from which prompts are of one kind, and so needs a tagger."""
        return False

    @abstractmethod
    def utilities(
        self,
        prompts: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Utilities [P, LLMs] float64 of P prompts, finite; higher is better.

        Args:
            prompts: texts, see `source_text`.
            tokens_per_batch: budget of a batch, padding counted; no result depends on it.
            precision: "float32" or "bfloat16".
            progress: called after each batch with the number of prompts that are done by it.

        Raises:
            BadModel: it is not trained.
            BadValue: an option that cannot be used.
        """

    @classmethod
    @abstractmethod
    def from_pretrained(cls, directory: str | Path) -> Self:
        """Reads what `save_pretrained` wrote, ready to route; raises BadModel."""

    def take_llms(self, llms: Sequence[str]) -> None:
        """Takes the LLMs to choose from, before training; where it has some, in their order.

        Raises:
            BadValue: it has been given, or was trained for, others.
        """
        own = getattr(self, "llms", None) or list(llms)
        if sorted(own) != sorted(llms):
            raise BadValue("llms of the router", own, f"those of the data, {list(llms)}, or null")
        self.llms = list(own)
        self.hparams["llms"] = list(own)

    def check_llms(self) -> None:
        """Raises BadModel before it knows its LLMs."""
        if not getattr(self, "llms", None):
            raise BadModel(f"this {type(self).__name__} is not trained: it knows no LLMs yet")

    def to(self, device: object) -> Self:
        """Moves its weights to a device; one without weights has nothing to move."""
        return self
