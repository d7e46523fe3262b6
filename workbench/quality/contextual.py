"""Texts as contextual token vectors of a layer of any encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize
from transformers import AutoModel

from workbench.errors import BadValue
from workbench.models.batches import device_batches
from workbench.models.encoder import EncoderOptions, position_limit
from workbench.models.inferring import inferring
from workbench.models.pretrained import load_with_head, read_parts, vocabulary_size
from workbench.quality.batched import lengths, padded, token_ids

_NO_LIMIT = 10**9  # transformers writes 1e30 where a tokenizer has no longest text
_USUAL_LENGTH = 512


@dataclass
class Vectors:
    """Unit vectors of the tokens of texts, one text behind the other.

    Attributes:
        states: [T, H] float32 on the encoder's device.
        ids: [T] token ids, there too.
        start, length: [texts] where a text begins, and its tokens.
    """

    states: torch.Tensor
    ids: torch.Tensor
    start: torch.Tensor
    length: torch.Tensor


class ContextualEncoder:
    """An encoder's first `layer` layers; of an encoder-decoder its encoder, of a decoder itself.

    Args:
        folder: the model's directory.
        layer: whose output is read: 0 is the embeddings; null the last.
        max_length: tokens of the longest text, the tokenizer's frame counted; null takes what
            tokenizer and positions allow.
        device: to run on.

    Raises:
        BadModel: it cannot be read.
        BadValue: it has no such layer, or fewer positions.
    """

    def __init__(self, folder: Path, layer: int | None, max_length: int | None, device: str):
        config, self.tokenizer = read_parts(str(folder))
        self.layers = int(config.num_hidden_layers)
        self.layer = self.layers if layer is None else layer
        if not 0 <= self.layer <= self.layers:
            raise BadValue("layer", layer, f"0 to {self.layers}, the layers of '{folder}'")
        self.max_length = _longest(self.tokenizer, config, max_length)
        self.vocabulary = vocabulary_size(config)
        # Layers above are never read, so they are not even loaded; a last norm then follows the
        # layer, as in the bert-score package.
        config.num_hidden_layers = self.layer
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[: self.layer]
        model = load_with_head(AutoModel, str(folder), config, EncoderOptions(), fresh_head=True)
        self.model: Any = model.get_encoder() if config.is_encoder_decoder else model
        self.model.to(device).eval()

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, none without any; see `token_ids`."""
        return token_ids(self.tokenizer, texts, self.max_length)

    def vectors(
        self,
        tokens: Sequence[Sequence[int]],
        tokens_per_batch: int,
        precision: str,
        told: Callable[[int], None],
    ) -> Vectors:
        """Vectors of texts given by their tokens; `told` hears of tokens just read."""
        device = self.model.device
        length = lengths(tokens)
        start = np.cumsum(length) - length
        states = torch.empty(0)
        with inferring(self.model, precision):
            for batch in device_batches(length, tokens_per_batch, device):
                ids, mask = padded([tokens[i] for i in batch], self._padding, device)
                out = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
                if not len(states):
                    states = torch.empty((int(length.sum()), out.shape[-1]), device=device)
                place = start[batch, None] + np.arange(ids.shape[1])
                real = mask.bool()
                where = torch.from_numpy(place).to(device)[real]
                states[where] = normalize(out[real].float(), dim=-1)
                told(int(length[batch].sum()))
        flat = np.concatenate([np.asarray(ids, np.int64) for ids in tokens])
        parts = (torch.from_numpy(part).to(device) for part in (flat, start, length))
        return Vectors(states, *parts)

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return int(self.model.config.hidden_size)

    @property
    def _padding(self) -> int:
        return int(self.tokenizer.pad_token_id or 0)


def _longest(tokenizer: Any, config: Any, wanted: int | None) -> int:
    limit = position_limit(config)
    if wanted is not None:
        if limit is not None and wanted > limit:
            raise BadValue("max_length", wanted, f"at most {limit}, the model's positions")
        return wanted
    known = [n for n in (tokenizer.model_max_length, limit) if n is not None and n < _NO_LIMIT]
    return min(known, default=_USUAL_LENGTH)
