"""A classifier as a router: which LLM answers best, and nothing of how much better."""

from torch import Tensor

from workbench.routing.encoder_router import EncoderRouter
from workbench.routing.losses import cross_entropy
from workbench.routing.targets import best_labels, telling


class ClassifierRouter(EncoderRouter):
    """Learns the best LLM of each prompt by cross-entropy: the hard label.

    LLMs that tie for the best share the label; a prompt whose rewards all tie teaches nothing.
    Its utilities are the probabilities that it gives the LLMs. The options are those of
    `EncoderRouter`.
    """

    def loss(self, logits: Tensor, rewards: Tensor) -> Tensor:
        """Mean cross-entropy, 0 of a prompt that teaches nothing; an LLM without a reward is
        neither right nor wrong."""
        found = cross_entropy(logits, best_labels(rewards), rewards.isfinite())
        return found.masked_fill(~telling(rewards), 0.0).mean()

    def utilities_of(self, logits: Tensor) -> Tensor:
        """Probabilities [B, L]."""
        return logits.softmax(dim=-1)
