"""Routers that train an encoder: what all of them share but the loss."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.errors import BadValue
from workbench.models.encoder import TinyEncoder
from workbench.models.encoder_model import EncoderModel
from workbench.models.framing import SINGLE_FRAME, Framed, Framing, framing_of_singles
from workbench.models.inferring import check_inference
from workbench.models.pooling import check_sequence_pooling, pooled_states
from workbench.models.proportion import in_proportion
from workbench.models.rows import run_rows
from workbench.routing.batches import RoutingBatch
from workbench.routing.router import Router


class EncoderRouter(EncoderModel, Router):
    """Reads the prompt alone and gives each LLM a logit.

    A subclass gives `loss`, and `utilities_of` where logits are not utilities; one with another
    head gives `make_head` and `logits`.

    Args:
        encoder: a hub id, a directory, or a tiny encoder to be trained from scratch; also a saved
            router of the same class and LLMs, to be trained on.
        llms: to choose from; taken from the data in training.
        max_tokens: of a prompt's text, the tokenizer's frame not counted.
        elide: a longer prompt loses its middle instead of its end.
        pooling: "mean" over the tokens, or "first".
        head_dropout: before the last layer.
        **options: of the encoder and the optimizer, see `EncoderModel`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    monitors = ("validation/quality", "validation/loss")

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        llms: Sequence[str] | None = None,
        max_tokens: int = 256,
        elide: bool = True,
        pooling: str = "mean",
        head_dropout: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        check_sequence_pooling(pooling)
        if max_tokens < 1:
            raise BadValue("max_tokens", max_tokens, "at least one token")
        if not 0 <= head_dropout < 1:
            raise BadValue("head_dropout", head_dropout, "a share, 0 <= head_dropout < 1")
        if isinstance(self.encoder, TinyEncoder):
            self.encoder.check_length(self.max_length)
        self.llms = list(llms or ())
        self.collected: Tensor | None = None

    @property
    def max_length(self) -> int:
        """Most tokens of a sequence, with room for the frame."""
        return int(self.hparams["max_tokens"]) + SINGLE_FRAME

    @property
    def framing(self) -> Framing:
        """How prompts become sequences; raises BadModel before `build`."""
        self.check_built()
        return self._framing

    def frame(self, prompts: Sequence[str]) -> Framed:
        """The sequences of prompts."""
        return self.framing.singles(prompts, self.hparams["max_tokens"])

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Takes an encoder and its tokenizer, and adds a fresh head."""
        self.check_llms()
        h = self.hparams
        self._framing = framing_of_singles(tokenizer, h["max_tokens"], h["elide"])
        self.head_layer = self.make_head(encoder.config.hidden_size, len(self.llms))
        super().assemble(encoder, tokenizer)

    def make_head(self, width: int, llms: int) -> nn.Module:
        """The layers behind the pooled state [width] of a prompt: by default [width] -> [llms]."""
        return nn.Sequential(nn.Dropout(self.hparams["head_dropout"]), nn.Linear(width, llms))

    def check_taken_over(self, options: Mapping[str, Any]) -> None:
        """Raises BadValue where the saved router was trained for other LLMs."""
        if (llms := options.get("llms")) != self.llms:
            raise BadValue("llms", self.llms, f"those of '{self.encoder}', {llms}")

    def states(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Pooled states [B, width] float32 of prompts."""
        tokens = input_ids, attention_mask, token_type_ids
        return pooled_states(self.pretrained_model, *tokens, self.hparams["pooling"])

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Logits [B, L] float32 of prompts."""
        states = self.states(input_ids, attention_mask, token_type_ids)
        with torch.autocast(states.device.type, enabled=False):
            return self.logits(states)

    def logits(self, states: Tensor) -> Tensor:
        """Logits [B, L] from pooled states [B, width]."""
        found: Tensor = self.head_layer(states)
        return found

    @abstractmethod
    def loss(self, logits: Tensor, rewards: Tensor) -> Tensor:
        """Loss of a batch, from logits and rewards [B, L]; a reward that is NaN is not known.

        It is finite for every batch, one whose rewards all tie too.
        """

    def utilities_of(self, logits: Tensor) -> Tensor:
        """Utilities [B, L] from logits: by default the logits."""
        return logits

    def take_rewards(self, rewards: np.ndarray) -> None:
        """Sees the rewards [Q, L] of all training prompts, NaN where not known, before the first
        step; nothing by default."""

    def training_step(self, batch: RoutingBatch, batch_idx: int) -> Tensor:
        """Loss of one batch."""
        loss = self.batch_loss(batch)
        size = len(batch.place)
        self.log("train/loss", loss, on_step=True, on_epoch=True, batch_size=size, prog_bar=True)
        return loss

    def batch_loss(self, batch: RoutingBatch) -> Tensor:
        """Loss of one batch in training, by default `loss` of its logits."""
        return self.loss(self(*batch[:3]), batch.rewards)

    def on_validation_epoch_start(self) -> None:
        """Clears what the last validation has collected."""
        shape = self.trainer.datamodule.validation.rewards.shape  # type: ignore[attr-defined]
        self.collected = torch.full(shape, torch.nan, device=self.device)

    def validation_step(self, batch: RoutingBatch, batch_idx: int) -> None:
        """Keeps the utilities; the chosen LLMs' quality needs all of them."""
        assert self.collected is not None
        logits = self(*batch[:3])
        self.collected[batch.place] = self.utilities_of(logits).float()
        size = len(batch.place)
        loss = self.loss(logits, batch.rewards)
        self.log("validation/loss", loss, batch_size=size, sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        """Logs `validation/quality` and the lines beside it."""
        if self.trainer.sanity_checking or self.collected is None:
            return
        collected = self.collected
        if self.trainer.world_size > 1:
            every = torch.as_tensor(self.all_gather(collected))
            collected = torch.where(every.isnan().all(0), torch.nan, every.nanmean(0))
        validation = self.trainer.datamodule.validation  # type: ignore[attr-defined]
        metrics = validation.metrics(collected.cpu().numpy().astype(np.float64))
        self.log_dict({f"validation/{name}": value for name, value in metrics.items()})
        self.collected = None

    def setup(self, stage: str) -> None:
        """Raises BadModel before `build`."""
        self.check_built()

    def utilities(
        self,
        prompts: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Utilities [P, LLMs], see `Router.utilities`; equal sequences are read once."""
        check_inference((len(prompts),), tokens_per_batch, precision)
        framed, group = self.frame(prompts).distinct()
        told = in_proportion(progress, len(framed.second), len(prompts))

        def outputs(*arrays: Tensor) -> Tensor:
            return self.utilities_of(self(*arrays))

        pad = self.framing.pad
        rows = run_rows(self, outputs, framed, pad, tokens_per_batch, precision, told)
        return rows[group].reshape(len(prompts), len(self.llms)).astype(np.float64)
