"""PairRanker: a cross-encoder that reads a prompt and two answers and tells which is better.

LLM-Blender (arXiv 2306.02561), section 3.2. Weights are named as in the PairRM checkpoints:
`pretrained_model.*`, `head_layer.1.*`, `head_layer.4.*`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from workbench.errors import BadModel, BadValue
from workbench.ranking import inference, saved
from workbench.ranking.encoder import EncoderOptions, TinyEncoder, make_encoder
from workbench.ranking.head import make_head, score_sides
from workbench.ranking.layout import Layout, check_lengths
from workbench.ranking.losses import check_loss, pair_loss
from workbench.ranking.optimizer import adamw, check_optimizer, faster_rows, rate_schedule
from workbench.ranking.segments import SegmentEmbedding, check_pooling, segment_states
from workbench.ranking.tokenised import PairBatch


class PairRanker(pl.LightningModule):
    """Scores the left and the right candidate of a pair, one score a quality measure.

    The logit of an ordered pair is the mean over measures of left minus right score.
    The constructor only checks and keeps its options; `build` makes the weights, so that they
    come after seeding, and in training know the texts.

    Args:
        encoder: a hub id, a directory, or a tiny encoder to be trained from scratch.
        measures: quality measures, one score each; the same as those of `PairData`.
        source_maxlength: tokens of the prompt's segment, CLS, marker and SEP counted.
        candidate_maxlength: tokens of a candidate's segment, to which half of what the prompt
            leaves free is added.
        elide: a long text loses its middle, and says how much, instead of its end.
        loss: "logistic" (the released default), "bce" (the paper's), "mse" or "soft".
        temperature: of the soft label, in units of quality (of its spread where standardised).
        gap_power: pairs weigh |difference of quality| to this power; 0 weighs all alike.
        attention: "eager" or "sdpa"; null takes the encoder's own.
        dropout: inside the encoder; null takes the encoder's own. On a CPU, 0 with "eager" and
            bf16 is several times faster than the usual 0.1 with "sdpa".
        head_dropout: in the head.
        segment_embeddings: tells each token whose text it is in, which PairRM does not; small
            encoders and small training sets learn much faster so.
        pooling: what stands for a segment: "marker" (PairRM's), or "mean" over its tokens.
        gradient_checkpointing: less memory in training for about a third more time.
        lr: learning rate of AdamW.
        head_lr: learning rate of what starts from random numbers, the head and the markers'
            embeddings; null takes `lr`.
        weight_decay: of all weights but biases and norms.
        warmup: share of the steps in which the rate rises.
        schedule: "linear", "cosine" or "constant" after it.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

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
        attention: str | None = None,
        dropout: float | None = None,
        head_dropout: float = 0.05,
        segment_embeddings: bool = False,
        pooling: str = "marker",
        gradient_checkpointing: bool = False,
        lr: float = 1e-5,
        head_lr: float | None = None,
        weight_decay: float = 0.1,
        warmup: float = 0.05,
        schedule: str = "linear",
    ) -> None:
        super().__init__()
        if isinstance(encoder, Mapping):  # as checkpoints hold it: plain values only
            encoder = TinyEncoder.from_dict(encoder)
        check_lengths(source_maxlength, candidate_maxlength, elide)
        check_loss(loss, temperature, gap_power)
        check_optimizer(lr, head_lr, weight_decay, warmup, schedule)
        check_pooling(pooling)
        measures = list(measures)
        if not measures or len(set(measures)) < len(measures):
            raise BadValue("measures", measures, "at least one measure, each named once")
        if not 0 <= head_dropout < 1:
            raise BadValue("head_dropout", head_dropout, "a share, 0 <= head_dropout < 1")
        self.encoder = encoder
        self.measures = measures
        self.encoder_options = EncoderOptions(attention, dropout, gradient_checkpointing)
        if isinstance(encoder, TinyEncoder):
            encoder.check_length(source_maxlength + 2 * candidate_maxlength)
            encoder = vars(encoder)  # type: ignore[assignment]
        self.save_hyperparameters()
        self.pretrained_model: Any = None
        self.head_layer: nn.Sequential | None = None
        self.segment_layer: SegmentEmbedding | None = None
        self._layout: Layout | None = None
        self._logits: Tensor | None = None

    @property
    def built(self) -> bool:
        """Whether the weights are there."""
        return self._layout is not None

    @property
    def layout(self) -> Layout:
        """How texts become sequences; raises BadModel before `build`."""
        if self._layout is None:
            raise BadModel("this PairRanker has no weights yet: call build() or load them")
        return self._layout

    def build(self, texts: Iterable[str] | None = None) -> "PairRanker":
        """Makes encoder, tokenizer and head, once; a second call changes nothing.

        Args:
            texts: needed for a tiny encoder, whose vocabulary they make; else unused.

        Raises:
            BadModel: the encoder cannot be loaded.
            BadValue: the sequences do not fit its positions, or no texts for a tiny encoder.
        """
        if self.built:
            return self
        most = self.hparams["source_maxlength"] + 2 * self.hparams["candidate_maxlength"]
        encoder, tokenizer = make_encoder(self.encoder, self.encoder_options, most, texts)
        self.assemble(encoder, tokenizer)
        return self

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Takes an encoder and a tokenizer that already hold the markers, and a fresh head."""
        h = self.hparams
        width = encoder.config.hidden_size
        lengths = (h["source_maxlength"], h["candidate_maxlength"])
        self._layout = Layout(tokenizer, *lengths, elide=h["elide"])
        self.pretrained_model = encoder
        self.head_layer = make_head(width, len(self.measures), h["head_dropout"])
        self.segment_layer = SegmentEmbedding(width) if h["segment_embeddings"] else None
        self.train()  # a loaded encoder comes in eval mode, and Lightning leaves modes alone

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

    def on_validation_epoch_start(self) -> None:
        """Clears the logits of the last validation."""
        shape = self._validation().logits_shape
        self._logits = torch.full(shape, torch.nan, device=self.device)

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Keeps the pairs' logits; the pick's quality needs all of them."""
        assert self._logits is not None
        scores, loss = self._step(batch)
        q, i, j = batch.place.unbind(dim=1)
        self._logits[q, i, j] = (scores[:, 0] - scores[:, 1]).mean(dim=-1)
        self.log("validation/loss", loss, batch_size=len(q), sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        """Logs `validation/quality`, `validation/pairwise_accuracy` and the lines beside them."""
        if self.trainer.sanity_checking or self._logits is None:
            return
        logits = self._logits
        if self.trainer.world_size > 1:
            every = torch.as_tensor(self.all_gather(logits))
            logits = torch.where(every.isnan().all(0), torch.nan, every.nanmean(0))
        metrics = self._validation().metrics(logits.float().cpu().numpy())
        self.log_dict({f"validation/{name}": value for name, value in metrics.items()})
        self._logits = None

    def configure_optimizers(self) -> Any:
        """AdamW, its rate set anew each step."""
        h = self.hparams
        steps = self.trainer.estimated_stepping_batches
        if steps == float("inf"):
            raise BadValue("max_epochs", -1, "max_epochs or max_steps, for the rate's decay")
        optimizer = adamw(self.named_parameters(), h["lr"], h["head_lr"], h["weight_decay"])
        scheduler = rate_schedule(optimizer, h["schedule"], h["warmup"], int(steps))
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """One step, in which the markers' embeddings go further by head_lr / lr."""
        head_lr, lr = self.hparams["head_lr"], self.hparams["lr"]
        if head_lr is None or head_lr == lr:
            super().optimizer_step(*args, **kwargs)
            return
        embedding = self.pretrained_model.get_input_embeddings().weight
        with faster_rows(embedding, self.layout.marker_ids, head_lr / lr):
            super().optimizer_step(*args, **kwargs)

    def setup(self, stage: str) -> None:
        """Raises BadModel before `build`, BadValue where the data has other measures."""
        _ = self.layout
        data = getattr(self.trainer, "datamodule", None)
        if data is not None and list(data.measures) != self.measures:
            raise BadValue("measures", self.measures, f"those of the data, {list(data.measures)}")

    def _step(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        scores = self(batch.input_ids, batch.attention_mask, batch.markers)
        options = {name: self.hparams[name] for name in ("temperature", "gap_power")}
        labels = (batch.left_quality, batch.right_quality)
        loss = pair_loss(self.hparams["loss"], scores[:, 0], scores[:, 1], *labels, **options)
        return scores, loss

    def _validation(self) -> Any:
        return self.trainer.datamodule.validation  # type: ignore[attr-defined]

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

    def save_pretrained(self, directory: str | Path) -> None:
        """Writes options, tokenizer and weights (safetensors); see `saved`."""
        saved.save_ranker(self, Path(directory))

    @classmethod
    def from_pretrained(cls, directory: str | Path) -> "PairRanker":
        """Reads what `save_pretrained` wrote, without any hub, in eval mode.

        Raises:
            BadModel: a file or weight is missing, unknown, of another shape or not finite.
        """
        ranker: PairRanker = saved.load_ranker(cls, Path(directory))
        return ranker.eval()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Puts the encoder's configuration and the tokenizer beside the weights."""
        checkpoint["ranker_files"] = saved.files_of(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Builds from the checkpoint alone; raises BadModel where built with other tokens."""
        saved.build_from_files(self, checkpoint["ranker_files"])
