"""Passes of a masked language model over sequences, each with some tokens masked."""

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from workbench.models.framing import Framed

_MOST_MASKED = 2048  # tokens predicted at once: each takes a row as wide as the vocabulary


class Masks(NamedTuple):
    """Which tokens R passes mask: those from `first` to `end`, each `step`-th.

    Attributes:
        row: [R] int, sequence that is read.
        first, end, step: [R] int.
    """

    row: np.ndarray
    first: np.ndarray
    end: np.ndarray
    step: np.ndarray

    def some(self, chosen: np.ndarray) -> "Masks":
        """Some of the passes."""
        return Masks(*(part[chosen] for part in self))

    def places(self, length: int) -> np.ndarray:
        """[R, length] bool, what each pass masks."""
        place = np.arange(length) - self.first[:, None]
        inside = (place >= 0) & (place < (self.end - self.first)[:, None])
        masked: np.ndarray = inside & (place % self.step[:, None] == 0)
        return masked


def predictions(model: Any, tokens: dict[str, Tensor], chosen: Tensor) -> Tensor:
    """Logits [M, V] at the chosen places [B, T] only: a row for each token of a batch would take
    gigabytes. The head is applied to each place alone, so that leaving others out changes none."""

    def only_chosen(module: Any, inputs: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state[chosen][None]
        return output

    hook = model.base_model.register_forward_hook(only_chosen)
    try:
        logits: Tensor = model(**tokens).logits[0]
    finally:
        hook.remove()
    return logits


def all_masks(framed: Framed, count: np.ndarray, closing: int, passes: int | None) -> Masks:
    """The passes over sequences whose last `count` tokens before `closing` are masked."""
    end = framed.tokens.length - closing
    step = count if passes is None else np.minimum(count, passes)
    row = np.repeat(np.arange(len(count)), step)
    shift = np.arange(len(row)) - np.repeat(np.cumsum(step) - step, step)
    return Masks(row, (end - count)[row] + shift, end[row], step[row])


def costs(framed: Framed, masks: Masks, tokens_per_batch: int) -> np.ndarray:
    """[R] tokens of each pass, more where its predictions would be too many for the memory."""
    predicted = -(-(masks.end - masks.first) // masks.step)
    share = -(-tokens_per_batch // _MOST_MASKED)
    return np.maximum(framed.tokens.length[masks.row], predicted * share)
