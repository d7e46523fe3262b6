"""BARTScore (Yuan et al., NeurIPS 2021, arXiv 2106.11520) with any seq2seq model."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSeq2SeqLM

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.batches import device_batches
from workbench.models.encoder import EncoderOptions, position_limit
from workbench.models.inferring import inferring
from workbench.models.pretrained import load_with_head, read_parts, vocabulary_size
from workbench.models.proportion import in_proportion
from workbench.quality.batched import lengths, padded, token_ids
from workbench.quality.model_measure import ModelMeasure, Progress

DIRECTIONS = ("precision", "recall", "f")
_MOST_LOGITS = 1 << 28  # numbers: 1 GB of a batch's logits


class BARTScore(ModelMeasure):
    """Mean log-probability of a target's tokens given a source text: negative, higher is better.

    log p(y | x) / |y|, where y has the tokenizer's frame, as in the authors' code: an empty text
    is a frame alone. Long texts lose their end.

    Args:
        model: directory or hub id of a seq2seq model.
        direction: "recall": the reference given the hypothesis, LLM-Blender's; "precision": the
            hypothesis given the reference; "f": the mean of both (the paper's F score).
        max_length: tokens of a text, frame counted.
        label: what the measure's name calls the model; null takes the last part of `model`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    kind = "bartscore"

    def __init__(
        self,
        model: str = "facebook/bart-large-cnn",
        *,
        direction: str = "recall",
        max_length: int = 1024,
        label: str | None = None,
    ) -> None:
        super().__init__(model, label)
        if direction not in DIRECTIONS:
            raise UnknownName("direction", direction, DIRECTIONS)
        if max_length < 3:
            raise BadValue("max_length", max_length, "at least 3 tokens")
        self.direction = direction
        self.max_length = max_length
        self._tokenizer: Any = None
        self._seq2seq: Any = None
        self._first = 0

    def settings(self) -> list[str]:
        """direction and max_length where they are not the default."""
        return self.changed("direction", "max_length")

    def load(self, folder: Path, device: str) -> None:
        """Loads model and tokenizer."""
        config, self._tokenizer = read_parts(str(folder))
        if not config.is_encoder_decoder:
            raise BadModel(f"'{self.model}' is no seq2seq model, but a '{config.model_type}'")
        limit = position_limit(config)
        if limit is not None and self.max_length > limit:
            raise BadValue("max_length", self.max_length, f"at most {limit}, its positions")
        loaded = load_with_head(AutoModelForSeq2SeqLM, str(folder), config, EncoderOptions())
        starts = [
            getattr(c, "decoder_start_token_id", None) for c in (config, loaded.generation_config)
        ]
        if all(start is None for start in starts):
            raise BadModel(f"the configuration of '{self.model}' has no decoder_start_token_id")
        self._first = next(int(start) for start in starts if start is not None)
        self._seq2seq = loaded.to(device).eval()

    def values(
        self,
        hypotheses: list[str],
        references: list[str],
        tokens_per_batch: int,
        precision: str,
        progress: Progress,
    ) -> np.ndarray:
        """Mean log p [n] in the direction that was chosen."""
        left, right = (
            token_ids(self._tokenizer, texts, self.max_length) for texts in (hypotheses, references)
        )
        ways = {"recall": [(left, right)], "precision": [(right, left)]}
        ways["f"] = ways["recall"] + ways["precision"]
        chosen = ways[self.direction]
        told = in_proportion(progress, len(left) * len(chosen), len(left))
        means = [
            self._mean_log_p(source, target, tokens_per_batch, precision, told)
            for source, target in chosen
        ]
        return np.mean(means, axis=0)

    def _mean_log_p(
        self,
        source: list[list[int]],
        target: list[list[int]],
        tokens_per_batch: int,
        precision: str,
        told: Progress,
    ) -> np.ndarray:
        model = self._seq2seq
        pad = int(model.config.pad_token_id or 0)
        # Logits, not activations, may be what fills the memory.
        per_token = -(-vocabulary_size(model.config) * tokens_per_batch // _MOST_LOGITS)
        count = lengths(target)
        cost = np.maximum(lengths(source) + count, count * per_token)
        mean = np.zeros(len(target))
        with inferring(model, precision):
            for batch in device_batches(cost, tokens_per_batch, model.device):
                ids, mask = padded([source[i] for i in batch], pad, model.device)
                labels, real = padded([target[i] for i in batch], pad, model.device)
                first = torch.full_like(labels[:, :1], self._first)
                logits = model(
                    input_ids=ids,
                    attention_mask=mask,
                    decoder_input_ids=torch.cat([first, labels[:, :-1]], 1),
                    use_cache=False,
                ).logits.float()
                chosen = logits.gather(2, labels[:, :, None])[:, :, 0]
                log_p = (chosen - logits.logsumexp(2)) * real
                mean[batch] = (log_p.sum(1) / real.sum(1)).cpu().numpy()
                told(len(batch))
        return mean
