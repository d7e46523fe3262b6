"""What every ranker gives: raw logits of ordered pairs of candidates."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np


class Ranker(ABC):
    """Compares candidates of a prompt two at a time.

    To add one that is trained, derive from `TrainedRanker` or `PointwiseRanker`; one that is not
    needs the two methods below, and `hparams`: its options, by which the store knows it.
    """

    hparams: Any

    @abstractmethod
    def compare(
        self,
        prompts: Sequence[str],
        left: Sequence[str],
        right: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Logits [P] float32 of P ordered pairs; > 0 means that the left candidate is better.

        Args:
            prompts: P source texts (see `source_text`).
            left: P candidate texts shown first.
            right: P candidate texts shown second.
            tokens_per_batch: budget of a batch, padding counted; no result depends on it.
            precision: "float32" or "bfloat16".
            progress: called after each batch with the number of pairs that are done by it.
        """

    @abstractmethod
    def prepare(self) -> "Ranker":
        """Makes it ready to compare without any training.

        Raises:
            BadModel: it has to be trained first, or its weights cannot be loaded.
        """

    def to(self, device: Any) -> Self:
        """Moves its weights to a device; one without weights has nothing to move."""
        return self
