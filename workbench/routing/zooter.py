"""ZOOTER: the distribution of rewards over the LLMs, distilled into a router.

Lu et al., NAACL 2024 (arXiv 2311.08692), sections 3.2 and 3.3. The label enhancement by tags is an
option of the data (`RouterData.beta`), which every router can have.
"""

from typing import Any

import torch
from torch import Tensor

from workbench.models.encoder import TinyEncoder
from workbench.routing.encoder_router import EncoderRouter
from workbench.routing.losses import cross_entropy
from workbench.routing.targets import check_temperature, reward_distribution


class ZOOTER(EncoderRouter):
    """Learns softmax(rewards / temperature) by its divergence KL(target ‖ router).

    Its utilities are the probabilities that it gives the LLMs.

    Args:
        encoder: see `EncoderRouter`.
        temperature: of the target, in units of the reward (of its spread within prompts, where
            the data standardises it).
        **options: see `EncoderRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self, encoder: str | TinyEncoder, *, temperature: float = 1.0, **options: Any
    ) -> None:
        super().__init__(encoder, **options)
        check_temperature(temperature)

    def loss(self, logits: Tensor, rewards: Tensor) -> Tensor:
        """Mean divergence; an LLM without a reward is left out on both sides."""
        target = reward_distribution(rewards, self.hparams["temperature"])
        entropy = torch.special.entr(target).sum(dim=-1)
        return (cross_entropy(logits, target, rewards.isfinite()) - entropy).mean()

    def utilities_of(self, logits: Tensor) -> Tensor:
        """Probabilities [B, L]."""
        return logits.softmax(dim=-1)
