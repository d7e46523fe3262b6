"""A multi-label classifier as a router: which LLMs are good enough for a prompt."""

from typing import Any

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from workbench.models.encoder import TinyEncoder
from workbench.routing.encoder_router import EncoderRouter
from workbench.routing.losses import known_mean
from workbench.routing.targets import check_tolerance, good_enough


class MultiLabelRouter(EncoderRouter):
    """Learns of each LLM whether its reward comes close to the prompt's best, by binary
    cross-entropy.

    Its utilities are the probabilities of that, LLM by LLM; they do not add up to 1. A prompt on
    which a single LLM is known teaches nothing: there is nothing to be as good as.

    Args:
        encoder: see `EncoderRouter`.
        tolerance: how far below the best is good enough, in units of the reward (of its spread
            within prompts, where the data standardises it); 0: only the best.
        **options: see `EncoderRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self, encoder: str | TinyEncoder, *, tolerance: float = 0.5, **options: Any
    ) -> None:
        super().__init__(encoder, **options)
        check_tolerance(tolerance)

    def loss(self, logits: Tensor, rewards: Tensor) -> Tensor:
        """Mean over prompts of the mean over their LLMs with a reward."""
        known = rewards.isfinite()
        label = good_enough(rewards, self.hparams["tolerance"])
        each = binary_cross_entropy_with_logits(logits, label, reduction="none")
        return known_mean(each, known & (known.sum(dim=-1, keepdim=True) > 1)).mean()

    def utilities_of(self, logits: Tensor) -> Tensor:
        """Probabilities [B, L], each between 0 and 1."""
        return logits.sigmoid()
