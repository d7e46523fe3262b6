"""RouterDC: a query-based router by dual contrastive learning.

Chen et al., NeurIPS 2024 (arXiv 2409.19886), section 3.
"""

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from workbench.errors import BadValue
from workbench.models.encoder import TinyEncoder
from workbench.routing.batches import RoutingBatch
from workbench.routing.contrastive import sample_llm_loss, sample_sample_loss
from workbench.routing.encoder_router import EncoderRouter
from workbench.routing.targets import check_temperature

_SPREAD = 0.78  # of the LLMs' vectors before training, as in the authors' code


class RouterDC(EncoderRouter):
    """Gives each LLM a vector; its utilities are their cosines with the prompt's state.

    Prompts of one group are brought together too, which makes the training steadier. The groups
    are the tags of the data's `tagger` (of a prompt with several, the commonest): clusters of
    vectors, as in the paper, where `workbench tag` has made such, or `category`.

    Args:
        encoder: see `EncoderRouter`. The paper's is mDeBERTa-v3-base with `pooling` "first".
        temperature: of the cosines, in both losses.
        positives, negatives: how many of a prompt's best LLMs it is pulled to, and of its worst
            it is pushed from.
        sample_weight: of the loss between prompts; 0 leaves it out, and needs no groups.
        sample_negatives: prompts of other groups that a prompt is pushed from.
        **options: see `EncoderRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        temperature: float = 1.0,
        positives: int = 3,
        negatives: int = 3,
        sample_weight: float = 1.0,
        sample_negatives: int = 3,
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        check_temperature(temperature)
        for name in ("positives", "negatives", "sample_negatives"):
            if self.hparams[name] < 1:
                raise BadValue(name, self.hparams[name], "a positive number")
        if not sample_weight >= 0:
            raise BadValue("sample_weight", sample_weight, "0 or more")

    @property
    def reads_groups(self) -> bool:
        """Whether it learns from groups of prompts."""
        return bool(self.hparams["sample_weight"])

    def make_head(self, width: int, llms: int) -> nn.Module:
        """A vector [width] an LLM."""
        vectors = nn.Linear(width, llms, bias=False)
        nn.init.normal_(vectors.weight, std=_SPREAD)
        dropout = nn.Dropout(self.hparams["head_dropout"])
        return nn.Sequential(OrderedDict(dropout=dropout, vectors=vectors))

    def logits(self, states: Tensor) -> Tensor:
        """Cosines / temperature [B, L] of states [B, width]."""
        vectors = self.head_layer.get_parameter("vectors.weight")
        states = self.head_layer.get_submodule("dropout")(states)
        cosine = normalize(states, dim=1) @ normalize(vectors, dim=1).T
        return cosine / self.hparams["temperature"]

    def loss(self, logits: Tensor, rewards: Tensor) -> Tensor:
        """Mean loss between prompts and LLMs; an LLM without a reward is neither good nor bad."""
        h = self.hparams
        return sample_llm_loss(logits, rewards, h["positives"], h["negatives"]).mean()

    def batch_loss(self, batch: RoutingBatch) -> Tensor:
        """That, and the loss between prompts."""
        h = self.hparams
        states = self.states(*batch[:3])
        with torch.autocast(states.device.type, enabled=False):
            found = self.loss(self.logits(states), batch.rewards)
            if not self.reads_groups:
                return found
            # Drawn by the step, so that a training that goes on draws what it would have drawn.
            between = sample_sample_loss(
                states, batch.group, h["sample_negatives"], h["temperature"], self.global_step
            )
            return found + h["sample_weight"] * between.mean()

    def utilities_of(self, logits: Tensor) -> Tensor:
        """Cosines [B, L], -1 to 1."""
        return logits * self.hparams["temperature"]
