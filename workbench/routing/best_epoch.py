"""The epoch of a training that does best on validation, and when to stop."""

import math
from collections.abc import Callable
from typing import Generic, TypeVar

from workbench.errors import BadValue

Weights = TypeVar("Weights")


class BestEpoch(Generic[Weights]):
    """Keeps the weights of the epoch with the least loss.

    Args:
        patience: epochs without a smaller loss before the training ends.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.least, self.since = math.inf, 0
        self._weights: Weights | None = None

    def ends(self, loss: float | None, weights: Callable[[], Weights]) -> bool:
        """Takes an epoch; whether it was the last.

        Args:
            loss: on validation; None where nothing there tells it: the last epoch is then best.
            weights: gives a copy of them.
        """
        self.since += 1
        if loss is None or loss < self.least:
            self._weights, self.since = weights(), 0
            self.least = math.inf if loss is None else loss
        return self.since >= self.patience

    def weights(self, lr: float) -> Weights:
        """The best epoch's; raises BadValue where no loss was finite with this learning rate."""
        if self._weights is None:
            raise BadValue("lr", lr, "a smaller one: with this one the losses are not finite")
        return self._weights
