"""BLEURT (Sellam et al., ACL 2020, arXiv 2004.04696): an encoder trained on people's ratings."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.errors import BadValue
from workbench.models.batches import device_batches
from workbench.models.encoder import position_limit
from workbench.models.inferring import inferring
from workbench.quality.batched import lengths, padded
from workbench.quality.bleurt_checkpoint import Encode, read_bleurt, read_encode
from workbench.quality.distinct import distinct
from workbench.quality.model_measure import ModelMeasure, Progress

_FRAME = 3  # [CLS] reference [SEP] hypothesis [SEP]


class BLEURT(ModelMeasure):
    """What a regression head on the first token says of `[CLS] reference [SEP] hypothesis [SEP]`.

    About 0 for a bad and 1 for a perfect answer, but not bounded. Where the two do not fit, the
    longer one loses tokens at its end until they do, as in the authors' code.

    Args:
        model: directory or hub id of a checkpoint converted to PyTorch: `lucadiliello/BLEURT-20`,
            `-D12`, `-D6`, `-D3`, `lucadiliello/bleurt-*` or `Elron/bleurt-*`.
        max_length: tokens of a pair; 128 is what the `-128` checkpoints were trained on. At most
            the model's positions are used.
        label: what the measure's name calls the model; null takes the last part of `model`.

    Raises:
        BadValue: an option that cannot be used.
    """

    kind = "bleurt"

    def __init__(
        self,
        model: str = "lucadiliello/BLEURT-20",
        *,
        max_length: int = 512,
        label: str | None = None,
    ) -> None:
        super().__init__(model, label)
        if max_length <= _FRAME:
            raise BadValue("max_length", max_length, f"more than {_FRAME} tokens")
        self.max_length = max_length
        self._model: Any = None
        self._encode: Encode = lambda texts: []
        self._ends = (0, 0)
        self._limit = max_length

    def settings(self) -> list[str]:
        """max_length where it is not the default."""
        return self.changed("max_length")

    def load(self, folder: Path, device: str) -> None:
        """Loads encoder, head and tokenizer."""
        model = read_bleurt(folder)
        self._encode, *ends = read_encode(folder)
        self._ends = (ends[0], ends[1])
        self._limit = min(self.max_length, position_limit(model.config) or self.max_length)
        self._model = model.to(device).eval()

    def values(
        self,
        hypotheses: list[str],
        references: list[str],
        tokens_per_batch: int,
        precision: str,
        progress: Progress,
    ) -> np.ndarray:
        """Scores [n] of pairs."""
        model = self._model
        texts, index = distinct([*references, *hypotheses])
        tokens = self._encode(texts)
        framed = [self._framed(tokens[i], tokens[j]) for i, j in index.reshape(2, -1).T]
        score = np.zeros(len(framed))
        types = min(2, int(getattr(model.config, "type_vocab_size", 2)))
        with inferring(model, precision):
            for batch in device_batches(
                lengths([ids for ids, _ in framed]), tokens_per_batch, model.device
            ):
                ids, mask = padded([framed[i][0] for i in batch], 0, model.device)
                first = torch.tensor([framed[i][1] for i in batch], device=model.device)
                second = torch.arange(ids.shape[1], device=model.device) >= first[:, None]
                out = model(
                    input_ids=ids,
                    attention_mask=mask,
                    token_type_ids=(second & mask.bool()).long() * (types - 1),
                )
                score[batch] = out.logits[:, 0].float().cpu().numpy()
                progress(len(batch))
        return score

    def _framed(self, first: list[int], second: list[int]) -> tuple[list[int], int]:
        # Ids of a pair, and how many of them are the first text's, with its frame.
        room = self._limit - _FRAME
        half = room - room // 2
        size = min(len(first), max(half, room - len(second)))
        start, end = self._ends
        left = [start, *first[:size], end]
        return [*left, *second[: room - size], end], len(left)
