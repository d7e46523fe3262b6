"""SummaReranker: reads a prompt and one answer and tells whether it is the best of its list.

Ravaut, Joty, Chen, ACL 2022 (arXiv 2203.06569), as a baseline of LLM-Blender's paper.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.errors import BadValue
from workbench.models.encoder import TinyEncoder
from workbench.models.pooling import check_sequence_pooling, pooled
from workbench.ranking.experts import MixtureOfExperts, usual_experts
from workbench.ranking.list_losses import best_and_weights, best_loss, check_best_loss
from workbench.ranking.lists import ListBatch
from workbench.ranking.pointwise import PointwiseRanker


class SummaReranker(PointwiseRanker):
    """Scores a candidate by a logit a measure, that it is the best of its list by this measure.

    A candidate's score is the mean of its logits (the paper adds probabilities, which orders
    them alike for one measure), so that differences of scores have the unit of a logit.

    Args:
        encoder: a hub id, a directory, or a tiny encoder to be trained from scratch.
        measures: quality measures, one task each; the same as those of `ListData`.
        negatives: what the best are told from: the "worst" of their list, as in the paper, so
            that the others are not even read in training; or "all" others, which costs several
            times as much and, with few prompts, teaches less.
        positive_weight: of one that is best against one that is not; null balances each list,
            1 is plain BCE.
        experts: networks of the mixture; null takes two a measure.
        active: experts that a measure's gate takes; null takes half, and at least two.
        pooling: what the head reads: the "first" token's state, or the "mean" over all tokens.
        head_dropout: before the head.
        **options: lengths, see `PointwiseRanker`; encoder and optimizer, see `TrainedRanker`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        measures: Sequence[str],
        negatives: str = "worst",
        positive_weight: float | None = None,
        experts: int | None = None,
        active: int | None = None,
        pooling: str = "first",
        head_dropout: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(encoder, measures=measures, **options)
        check_best_loss(negatives, positive_weight)
        check_sequence_pooling(pooling)
        if not 0 <= head_dropout < 1:
            raise BadValue("head_dropout", head_dropout, "a share, 0 <= head_dropout < 1")
        self.mixture = usual_experts(len(self.measures), experts, active)
        self.head_layer: MixtureOfExperts | None = None

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Takes an encoder and its tokenizer, and a fresh head."""
        width = encoder.config.hidden_size
        dropout = self.hparams["head_dropout"]
        self.head_layer = MixtureOfExperts(width, len(self.measures), *self.mixture, dropout)
        super().assemble(encoder, tokenizer)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Logits [R, tasks] float32 of R sequences."""
        assert self.head_layer is not None, "build() comes first"
        hidden = self.encoded(input_ids, attention_mask, token_type_ids)
        scores: Tensor = self.head_layer(pooled(hidden, attention_mask, self.hparams["pooling"]))
        return scores

    def loss(self, outputs: Tensor, batch: ListBatch) -> Tensor:
        """See `best_loss`."""
        return best_loss(batch.by_candidate(outputs), batch.quality, *self._loss_options())

    def learns_from(self, quality: np.ndarray) -> np.ndarray:
        """[Q, N] bool: candidates that weigh anything by any measure."""
        _, weight = best_and_weights(torch.from_numpy(quality), *self._loss_options())
        read: np.ndarray = (weight > 0).any(dim=2).numpy()
        return read

    def _loss_options(self) -> tuple[str, float | None]:
        return self.hparams["negatives"], self.hparams["positive_weight"]
