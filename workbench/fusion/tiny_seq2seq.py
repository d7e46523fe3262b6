"""A small T5 built from scratch, for pools that bring their own small world."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from transformers import AutoModelForSeq2SeqLM, T5Config

from workbench.errors import BadValue
from workbench.fusion.vocabulary import seq2seq_tokenizer
from workbench.models.encoder import EncoderOptions, encoder_from_config


@dataclass(frozen=True)
class TinySeq2Seq:
    """Sizes of a T5 with random weights and a vocabulary of the training texts.

    Attributes:
        hidden_size: width; a multiple of `heads`.
        layers: of the encoder, and as many of the decoder.
        heads: attention heads.
        intermediate: width of the feed-forward layers.
        vocab_size: most entries of the vocabulary.
        dropout: inside the model, in training.
    """

    hidden_size: int = 128
    layers: int = 2
    heads: int = 4
    intermediate: int = 256
    vocab_size: int = 8000
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "dropout" and (not isinstance(value, int) or value < 1):
                raise BadValue(f"model.{name}", value, "a positive number")
        if self.hidden_size % self.heads:
            raise BadValue("model.hidden_size", self.hidden_size, f"a multiple of {self.heads}")
        if not 0 <= self.dropout < 1:
            raise BadValue("model.dropout", self.dropout, "a share, 0 <= dropout < 1")


def tiny_seq2seq(
    tiny: TinySeq2Seq, options: EncoderOptions, texts: Iterable[str] | None
) -> tuple[Any, Any]:
    """Model with random weights (torch's seed) and a tokenizer made of `texts`.

    T5's positions are relative, so that no length is too long for it.

    Raises:
        BadValue: no texts.
    """
    if texts is None:
        raise BadValue("texts", None, "training texts, for a tiny model's vocabulary")
    tokenizer = seq2seq_tokenizer(texts, tiny.vocab_size)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=tiny.hidden_size,
        d_kv=tiny.hidden_size // tiny.heads,
        num_heads=tiny.heads,
        d_ff=tiny.intermediate,
        num_layers=tiny.layers,
        num_decoder_layers=tiny.layers,
        dropout_rate=tiny.dropout,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config.decoder_start_token_id = tokenizer.pad_token_id
    return encoder_from_config(config, options, AutoModelForSeq2SeqLM), tokenizer
