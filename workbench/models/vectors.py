"""Vectors of texts by a pretrained encoder, as it is: nothing is trained."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from torch import Tensor

from workbench.errors import BadModel, BadValue
from workbench.models.content import content
from workbench.models.encoder import EncoderOptions
from workbench.models.framing import SINGLE_FRAME, Framing, framing_of_singles
from workbench.models.inferring import check_inference
from workbench.models.model_directory import MODEL_FILES, model_directory
from workbench.models.pooling import check_sequence_pooling, pooled_states
from workbench.models.pretrained import pretrained_encoder
from workbench.models.proportion import in_proportion
from workbench.models.rows import run_rows

_VERSION = 1  # of how a text becomes a vector: another one, and no cached vector is taken


@dataclass(frozen=True)
class TextEncoder:
    """A pretrained encoder that gives each text one vector.

    A longer text than `max_tokens` loses its middle, so that its end still counts.

    Attributes:
        name: directory or hub id that it was loaded from.
        content: hash of its files (16 hex digits).
        model, framing: the encoder and its tokenizer.
        pooling: "mean" over the tokens, as most sentence encoders are trained, or "first".
        max_tokens: of a text, the tokenizer's frame not counted.
    """

    name: str
    content: str
    model: Any
    framing: Framing
    pooling: str
    max_tokens: int

    @classmethod
    def load(cls, name: str, *, pooling: str = "mean", max_tokens: int = 256) -> Self:
        """The encoder in a directory or of a hub id, on the CPU.

        Raises:
            BadModel: there is no such model, or it is no encoder.
            BadValue, UnknownName: an option that cannot be used, or texts of `max_tokens` do not
                fit its positions.
        """
        check_vector_options(pooling, max_tokens)
        directory = model_directory(name)
        model, tokenizer = pretrained_encoder(
            str(directory), EncoderOptions(), max_tokens + SINGLE_FRAME, markers=False
        )
        if model.config.is_encoder_decoder:
            raise BadModel(f"'{name}' is a {model.config.model_type} with a decoder, no encoder")
        framing = framing_of_singles(tokenizer, max_tokens, elide=True)
        files = content(directory, *MODEL_FILES)
        return cls(name, files, model.eval().requires_grad_(False), framing, pooling, max_tokens)

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return int(self.model.config.hidden_size)

    def key(self, precision: str = "float32") -> str:
        """Hash (16 hex digits) of all that a text's vector depends on beside the text."""
        parts = [_VERSION, self.content, self.pooling, self.max_tokens, precision]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def to(self, device: object) -> Self:
        """Moves the encoder to a device."""
        self.model.to(device)
        return self

    def vectors(
        self,
        texts: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Vectors [n, width] float32 of n texts; equal texts are read once.

        Args:
            texts: any, empty ones too.
            tokens_per_batch: budget of a batch, padding counted; moves results by rounding only.
            precision: "float32" or "bfloat16".
            progress: told how many texts have just been done.

        Raises:
            BadModel: a vector is not finite.
            BadValue: an option that cannot be used.
        """
        check_inference((), tokens_per_batch, precision)
        if not texts:
            return np.zeros((0, self.width), np.float32)
        framed, group = self.framing.singles(texts, self.max_tokens).distinct()
        told = in_proportion(progress, len(framed.second), len(texts))
        pad = self.framing.pad
        rows = run_rows(self.model, self._pooled, framed, pad, tokens_per_batch, precision, told)
        if not np.isfinite(rows).all():
            raise BadModel(f"'{self.name}' gives vectors that are not finite in {precision}")
        found: np.ndarray = rows[group]
        return found

    def _pooled(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        return pooled_states(self.model, input_ids, attention_mask, token_type_ids, self.pooling)


def check_vector_options(pooling: str, max_tokens: int) -> None:
    """Raises BadValue or UnknownName for what cannot be used."""
    check_sequence_pooling(pooling)
    if max_tokens < 1:
        raise BadValue("max_tokens", max_tokens, "at least one token")


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Vectors [n, D] brought to length 1; one that is 0 stays so."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.where(length > 0, length, 1.0)
    return unit
