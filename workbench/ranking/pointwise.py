"""Pointwise rankers: each candidate is scored alone, and a logit is a difference of two scores."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.errors import BadValue
from workbench.models.encoder import TinyEncoder
from workbench.models.framing import Framing, check_text_lengths
from workbench.models.inferring import check_inference
from workbench.models.proportion import in_proportion
from workbench.models.rows import run_rows
from workbench.ranking.lists import ListBatch, Rows
from workbench.ranking.scoring import compare_scores
from workbench.ranking.trained_ranker import TrainedRanker


class PointwiseRanker(TrainedRanker):
    """Scores the candidates of a prompt one by one.

    As it stands the encoder reads the prompt and one candidate together. A subclass gives
    `forward`, `task_scores` and `loss`, and may override `frame_lists` and `score`.

    Args:
        encoder: a hub id, a directory, or a tiny encoder to be trained from scratch.
        measures: quality measures; the same as those of `ListData`.
        source_maxlength: tokens of the prompt's text, the tokenizer's frame not counted.
        candidate_maxlength: the same of the candidate's text.
        elide: a long text loses its middle, and says how much, instead of its end.
        **options: of the encoder and the optimizer, see `TrainedRanker`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    reads_references = False
    """Whether training reads the prompts' reference answers."""
    frame_room = 8
    """Tokens allowed for the frame where positions are counted before a tokenizer is there."""

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        measures: Sequence[str],
        source_maxlength: int = 128,
        candidate_maxlength: int = 128,
        elide: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(encoder, measures=measures, **options)
        check_text_lengths(source_maxlength, candidate_maxlength)
        if isinstance(self.encoder, TinyEncoder):
            self.encoder.check_length(self.max_length)
        self._framing: Framing | None = None

    @property
    def max_length(self) -> int:
        """Most tokens of a sequence, with room for the frame."""
        h = self.hparams
        return int(h["source_maxlength"] + h["candidate_maxlength"] + self.frame_room)

    @property
    def framing(self) -> Framing:
        """How texts become sequences; raises BadModel before `build`."""
        self.check_built()
        assert self._framing is not None
        return self._framing

    def make_framing(self, tokenizer: Any) -> Framing:
        """How a tokenizer's sequences are framed."""
        h = self.hparams
        return Framing(tokenizer, h["source_maxlength"], h["candidate_maxlength"], h["elide"])

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Takes an encoder and its tokenizer; a subclass adds its head."""
        self._framing = self.make_framing(tokenizer)
        length, room = self._framing.frame_length(2), self.frame_room
        if length > room:
            raise BadValue("frame of the tokenizer", length, f"at most {room} tokens")
        super().assemble(encoder, tokenizer)

    def task_scores(self, outputs: Tensor) -> Tensor:
        """Scores [R, tasks] float32 of R sequences, from what `forward` gives: by default that."""
        return outputs

    @abstractmethod
    def loss(self, outputs: Tensor, batch: ListBatch) -> Tensor:
        """Loss of one batch, from what `forward` gives for its rows."""

    def list_scores(self, outputs: Tensor, batch: ListBatch) -> Tensor:
        """[B, N] score of each candidate of a batch, 0 where there is none."""
        return batch.by_candidate(self.task_scores(outputs).mean(dim=-1))

    def learns_from(self, quality: np.ndarray) -> np.ndarray:
        """[Q, N] bool: the candidates that training reads, by their qualities [Q, N, tasks]."""
        measured: np.ndarray = ~np.isnan(quality).all(axis=2)
        return measured

    def frame_lists(
        self, prompts: Sequence[str], texts: np.ndarray, references: Sequence[str | None]
    ) -> Rows:
        """The sequences that training reads of prompts with candidates `texts` [Q, N] (or None)."""
        prompt, candidate = np.nonzero(texts != None)  # noqa: E711  (elementwise)
        sources = [prompts[int(q)] for q in prompt]
        answers = [texts[q, n] for q, n in zip(prompt, candidate, strict=True)]
        return Rows(prompt, candidate, self.framing.pairs(sources, answers))

    def encoded(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Last hidden state [R, T, width] of the encoder."""
        tokens = {"input_ids": input_ids, "attention_mask": attention_mask}
        if getattr(self.pretrained_model.config, "type_vocab_size", 0) > 1:
            tokens["token_type_ids"] = token_type_ids
        hidden: Tensor = self.pretrained_model(**tokens).last_hidden_state
        return hidden

    def training_step(self, batch: ListBatch, batch_idx: int) -> Tensor:
        """Loss of one batch."""
        outputs = self(*batch[:3])
        loss = self.loss(outputs, batch)
        size = len(batch.place)
        self.log("train/loss", loss, on_step=True, on_epoch=True, batch_size=size, prog_bar=True)
        return loss

    def collected_shape(self) -> tuple[int, ...]:
        """A score a candidate: [Q, N]."""
        shape: tuple[int, ...] = self.validation.quality.shape
        return shape

    def validation_step(self, batch: ListBatch, batch_idx: int) -> None:
        """Keeps the candidates' scores; the pick's quality needs all of them."""
        assert self.collected is not None
        outputs = self(*batch[:3])
        scores = self.list_scores(outputs, batch).float()
        self.collected[batch.place] = torch.where(batch.measured, scores, torch.nan)
        size = len(batch.place)
        self.log("validation/loss", self.loss(outputs, batch), batch_size=size, sync_dist=True)

    def validation_logits(self, collected: np.ndarray) -> np.ndarray:
        """Logits [Q, N, N]: differences of scores."""
        difference: np.ndarray = collected[:, :, None] - collected[:, None, :]
        return difference

    def score(
        self,
        prompts: Sequence[str],
        candidates: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Scores [P] float32 of P candidates, each for its prompt; options as of `compare`.

        Raises:
            BadModel: before `build`.
            BadValue: lists of different lengths, or an option that cannot be used.
        """
        check_inference((len(prompts), len(candidates)), tokens_per_batch, precision)
        framed, group = self.framing.pairs(prompts, candidates).distinct()

        def outputs(*arrays: Tensor) -> Tensor:
            return self.task_scores(self(*arrays)).mean(dim=-1, keepdim=True)

        told = in_proportion(progress, len(framed.second), len(prompts))
        rows = run_rows(self, outputs, framed, self.framing.pad, tokens_per_batch, precision, told)
        return rows[group, 0]

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
        """Logits [P] float32 of ordered pairs, see `Ranker.compare`; each candidate of a prompt
        is read once, in however many pairs it stands.

        Raises:
            BadModel: before `build`.
            BadValue: lists of different lengths, or an option that cannot be used.
        """
        return compare_scores(
            self.score, prompts, left, right, tokens_per_batch, precision, progress
        )
