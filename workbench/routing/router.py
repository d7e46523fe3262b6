"""What every router gives: the utility of each LLM for a prompt, before any LLM has answered."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np

from workbench.errors import BadModel
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

    def take_llms(self, llms: Sequence[str]) -> None:
        """Takes the LLMs to choose from, before training."""
        self.llms = list(llms)
        self.hparams["llms"] = list(llms)

    def check_llms(self) -> None:
        """Raises BadModel before it knows its LLMs."""
        if not getattr(self, "llms", None):
            raise BadModel(f"this {type(self).__name__} is not trained: it knows no LLMs yet")

    def to(self, device: object) -> Self:
        """Moves its weights to a device; one without weights has nothing to move."""
        return self
