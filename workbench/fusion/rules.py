"""What a decoding forbids at each step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.fusion.copying import CopyNGram, following


@dataclass(frozen=True)
class Rules:
    """Rules over the next token of an answer.

    Attributes:
        copying: None: an answer need not be copied.
        no_repeat: n tokens in a row occur once in an answer; 0: no such rule.
        first: the token that every answer begins with; None: any.
    """

    copying: CopyNGram | None = None
    no_repeat: int = 0
    first: int | None = None

    def __call__(self, scores: Tensor, written: Tensor, prompt: Tensor) -> Tensor:
        """Scores [R, V], −inf where forbidden; arguments as in `CopyNGram.allowed_only`."""
        if self.first is not None and not written.shape[1]:
            forced = torch.full_like(scores, -torch.inf)
            forced[:, self.first] = 0.0
            return forced
        if self.copying is not None:
            scores = self.copying.allowed_only(scores, written, prompt)
        if self.no_repeat and written.shape[1] >= self.no_repeat:
            last = written[:, written.shape[1] - self.no_repeat + 1 :]
            scores = scores.masked_fill(following(written, last, scores.shape[1]), -torch.inf)
        return scores


def until_end(tokens: Sequence[int], ends: frozenset[int]) -> list[int]:
    """The tokens before the first end token."""
    place = next((n for n, token in enumerate(tokens) if token in ends), len(tokens))
    return list(tokens[:place])
