"""PairRanker: a cross-encoder that reads a prompt and two answers and tells which is better.

LLM-Blender (arXiv 2306.02561), section 3.2. Weights are named as in the PairRM checkpoints:
`pretrained_model.*`, `head_layer.1.*`, `head_layer.4.*`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from torch import Tensor, nn

from workbench.errors import BadValue
from workbench.models.encoder import TinyEncoder
from workbench.models.hub_files import checkpoint_directory
from workbench.models.optimizer import faster_rows
from workbench.ranking import inference
from workbench.ranking.head import make_head, score_sides
from workbench.ranking.layout import Layout, check_lengths
from workbench.ranking.losses import check_loss, pair_loss
from workbench.ranking.pairrm import is_pairrm, load_pairrm, names_pairrm
from workbench.ranking.pairrm_export import export_pairrm
from workbench.ranking.segments import SegmentEmbedding, check_pooling, segment_states
from workbench.ranking.tokenised import PairBatch
from workbench.ranking.trained_ranker import TrainedRanker


class PairRanker(TrainedRanker):
    """Scores the left and the right candidate of a pair, one score a quality measure.

    The logit of an ordered pair is the mean over measures of left minus right score.

    Args:
        encoder: a hub id, a directory, or a tiny encoder to be trained from scratch; also a saved
            PairRanker or a PairRM checkpoint, to be trained on.
        measures: quality measures, one score each; the same as those of `PairData`.
        source_maxlength: tokens of the prompt's segment, CLS, marker and SEP counted.
        candidate_maxlength: tokens of a candidate's segment, to which half of what the prompt
            leaves free is added.
        elide: a long text loses its middle, and says how much, instead of its end.
        loss: "logistic" (the released default), "bce" (the paper's), "mse" or "soft".
        temperature: of the soft label, in units of quality (of its spread where standardised).
        gap_power: pairs weigh |difference of quality| to this power; 0 weighs all alike.
        head_dropout: in the head.
        segment_embeddings: tells each token whose text it is in, which PairRM does not; small
            encoders and small training sets learn much faster so.
        pooling: what stands for a segment: "marker" (PairRM's), or "mean" over its tokens.
        **options: of the encoder and the optimizer, see `TrainedRanker`; `head_lr` holds for the
            markers' embeddings too.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    head_names = ("head_layer.", "segment_layer.")
    markers = True

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        measures: Sequence[str],
        source_maxlength: int = 128,
        candidate_maxlength: int = 128,
        elide: bool = False,
        loss: str = "logistic",
        temperature: float = 1.0,
        gap_power: float = 0.0,
        head_dropout: float = 0.05,
        segment_embeddings: bool = False,
        pooling: str = "marker",
        **options: Any,
    ) -> None:
        super().__init__(encoder, measures=measures, **options)
        check_lengths(source_maxlength, candidate_maxlength, elide)
        check_loss(loss, temperature, gap_power)
        check_pooling(pooling)
        if not 0 <= head_dropout < 1:
            raise BadValue("head_dropout", head_dropout, "a share, 0 <= head_dropout < 1")
        if isinstance(self.encoder, TinyEncoder):
            self.encoder.check_length(self.max_length)
        self.head_layer: nn.Sequential | None = None
        self.segment_layer: SegmentEmbedding | None = None
        self._layout: Layout | None = None

    @property
    def max_length(self) -> int:
        """Most tokens of a sequence."""
        return int(self.hparams["source_maxlength"] + 2 * self.hparams["candidate_maxlength"])

    @property
    def layout(self) -> Layout:
        """How texts become sequences; raises BadModel before `build`."""
        self.check_built()
        assert self._layout is not None
        return self._layout

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Takes an encoder and a tokenizer that already hold the markers, and a fresh head."""
        h = self.hparams
        width = encoder.config.hidden_size
        lengths = (h["source_maxlength"], h["candidate_maxlength"])
        self._layout = Layout(tokenizer, *lengths, elide=h["elide"])
        self.head_layer = make_head(width, len(self.measures), h["head_dropout"])
        self.segment_layer = SegmentEmbedding(width) if h["segment_embeddings"] else None
        super().assemble(encoder, tokenizer)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, markers: Tensor) -> Tensor:
        """Scores [B, 2, tasks] float32 of the left and the right candidate."""
        assert self.head_layer is not None, "build() comes first"
        tokens = {"input_ids": input_ids}
        if self.segment_layer is not None:
            embedded = self.pretrained_model.get_input_embeddings()(input_ids)
            tokens = {"inputs_embeds": self.segment_layer(embedded, markers)}
        hidden = self.pretrained_model(**tokens, attention_mask=attention_mask).last_hidden_state
        pooling = self.hparams["pooling"]
        return score_sides(
            self.head_layer, segment_states(hidden, markers, attention_mask, pooling)
        )

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """Loss of one batch."""
        scores, loss = self._step(batch)
        gap = batch.left_quality - batch.right_quality
        right = ((scores[:, 0] > scores[:, 1]) == (gap > 0))[(gap != 0) & ~gap.isnan()]
        size = len(gap)
        self.log("train/loss", loss, on_step=True, on_epoch=True, batch_size=size, prog_bar=True)
        accuracy = right.float().mean()
        self.log("train/pairwise_accuracy", accuracy, on_step=False, on_epoch=True, batch_size=size)
        return loss

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Keeps the pairs' logits; the pick's quality needs all of them."""
        assert self.collected is not None
        scores, loss = self._step(batch)
        q, i, j = batch.place.unbind(dim=1)
        self.collected[q, i, j] = (scores[:, 0] - scores[:, 1]).mean(dim=-1)
        self.log("validation/loss", loss, batch_size=len(q), sync_dist=True)

    def validation_logits(self, collected: np.ndarray) -> np.ndarray:
        """They are collected as they are."""
        return collected

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """One step, in which the markers' embeddings go further by head_lr / lr."""
        head_lr, lr = self.hparams["head_lr"], self.hparams["lr"]
        if head_lr is None or head_lr == lr:
            super().optimizer_step(*args, **kwargs)
            return
        embedding = self.pretrained_model.get_input_embeddings().weight
        with faster_rows(embedding, self.layout.marker_ids, head_lr / lr):
            super().optimizer_step(*args, **kwargs)

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
        """Logits [P] float32 of ordered pairs, see `ranker.Ranker.compare`.

        Raises:
            BadModel: before `build`.
            BadValue: lists of different lengths, or an option that cannot be used.
        """
        return inference.compare_pairs(
            self, self.layout, prompts, left, right, tokens_per_batch, precision, progress
        )

    def taken_over(self) -> bool:
        """See `TrainedRanker.taken_over`; here a PairRM checkpoint too, of the hub as well.

        Raises:
            BadModel, BadValue: see `pairrm.load_pairrm`.
        """
        if super().taken_over():
            return True
        if not (isinstance(self.encoder, str) and names_pairrm(self.encoder)):
            return False
        options = {name: value for name, value in self.hparams.items() if name != "encoder"}
        loaded = load_pairrm(type(self), self.encoder, **options)
        self.assemble(loaded.pretrained_model, loaded.tokenizer)
        self.load_state_dict(loaded.state_dict())
        return True

    @classmethod
    def from_pretrained(cls, directory: str | Path, **options: Any) -> Self:
        """Reads what `save_pretrained` wrote, or a PairRM checkpoint, in eval mode.

        Args:
            directory: a directory, or a hub id such as llm-blender/PairRM or llm-blender/PairRM-hf.
            **options: of a PairRM checkpoint, see `pairrm.load_pairrm`.

        Raises:
            BadModel: a file or weight is missing, unknown, of another shape or not finite, or
                the tokenizer has not the markers that the weights know.
        """
        if is_pairrm(checkpoint_directory(directory)):
            ranker: Self = load_pairrm(cls, directory, **options)
            return ranker
        return super().from_pretrained(checkpoint_directory(directory))

    def export_pairrm(self, directory: str | Path) -> None:
        """Writes it in the PairRM-hf format; see `pairrm_export.export_pairrm`."""
        export_pairrm(self, directory)

    def _step(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        scores = self(batch.input_ids, batch.attention_mask, batch.markers)
        options = {name: self.hparams[name] for name in ("temperature", "gap_power")}
        labels = (batch.left_quality, batch.right_quality)
        loss = pair_loss(self.hparams["loss"], scores[:, 0], scores[:, 1], *labels, **options)
        return scores, loss
