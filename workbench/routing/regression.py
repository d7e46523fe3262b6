"""Regression as a router: the reward that each LLM would get."""

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import huber_loss, mse_loss

from workbench.errors import BadValue
from workbench.models.encoder import TinyEncoder
from workbench.routing.encoder_router import EncoderRouter
from workbench.routing.losses import centred, known_mean


class RegressionRouter(EncoderRouter):
    """Predicts each LLM's reward; its utilities are the predictions, in the data's unit.

    What it learns is how a prompt's rewards differ from each LLM's mean in training, which is
    kept with the weights: a reward's level may be far from 0.

    Args:
        encoder: see `EncoderRouter`.
        huber_delta: errors above it count linearly instead of squared, so that single rewards
            that are far out pull less; null takes the squared error of all.
        center: "prompt" learns only how the LLMs of a prompt differ, which is all that a choice
            needs, and not how hard prompts are; utilities are then around 0 on each prompt.
        **options: see `EncoderRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    level: Tensor

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        huber_delta: float | None = None,
        center: Literal["prompt"] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        if huber_delta is not None and not huber_delta > 0:
            raise BadValue("huber_delta", huber_delta, "a number above 0, or null")
        if center not in (None, "prompt"):
            raise BadValue("center", center, "'prompt' or null")

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Adds the head, and the LLMs' levels, which the data brings."""
        super().assemble(encoder, tokenizer)
        self.register_buffer("level", torch.zeros(len(self.llms)))

    def take_rewards(self, rewards: np.ndarray) -> None:
        """Takes each LLM's mean, of differences where it learns these."""
        values = torch.from_numpy(rewards)
        if self.hparams["center"]:
            values = centred(values, values.isfinite())
        self.level.copy_(values.nanmean(dim=0))

    def logits(self, states: Tensor) -> Tensor:
        """Predicted rewards [B, L]."""
        return super().logits(states) + self.level

    def loss(self, logits: Tensor, rewards: Tensor) -> Tensor:
        """Mean over prompts of the mean error over their LLMs with a reward."""
        known, delta = rewards.isfinite(), self.hparams["huber_delta"]
        target = rewards.masked_fill(~known, 0.0)
        if self.hparams["center"]:
            logits, target = centred(logits, known), centred(target, known)
        if delta is None:
            each = mse_loss(logits, target, reduction="none")
        else:
            each = huber_loss(logits, target, reduction="none", delta=delta)
        return known_mean(each, known).mean()

    def utilities_of(self, logits: Tensor) -> Tensor:
        """Predicted rewards [B, L]; less their mean where only differences are learned."""
        if self.hparams["center"]:
            return logits - logits.mean(dim=-1, keepdim=True)
        return logits
