"""The encoder under the ranker: any from the hub or a directory, or a tiny one from scratch."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from transformers import AutoModel, BertConfig, PreTrainedConfig

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.vocabulary import tiny_tokenizer


@dataclass(frozen=True)
class TinyEncoder:
    """A BERT built from scratch, with a WordPiece vocabulary of the training texts.

    Attributes:
        hidden_size: width; a multiple of `heads`.
        layers: number of layers.
        heads: attention heads.
        intermediate: width of the feed-forward layers.
        vocab_size: most entries of the vocabulary, markers not counted.
        max_positions: longest sequence; None takes what the ranker's lengths need.
    """

    hidden_size: int = 64
    layers: int = 2
    heads: int = 4
    intermediate: int = 256
    vocab_size: int = 4000
    max_positions: int | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and (not isinstance(value, int) or value < 1):
                raise BadValue(f"encoder.{name}", value, "a positive number")
        if self.hidden_size % self.heads:
            raise BadValue("encoder.hidden_size", self.hidden_size, f"a multiple of {self.heads}")

    def check_length(self, most: int) -> None:
        """Raises BadValue where sequences of `most` tokens do not fit `max_positions`."""
        if self.max_positions is not None and most > self.max_positions:
            raise BadValue("encoder.max_positions", self.max_positions, f"at least {most}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TinyEncoder":
        """From plain values, as checkpoints hold them; raises UnknownName on a key not known."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise UnknownName("option of a tiny encoder", name, known)
        return cls(**values)


@dataclass(frozen=True)
class EncoderOptions:
    """How an encoder is run. None leaves the model's own setting.

    Attributes:
        attention: "eager" or "sdpa".
        dropout: every dropout inside the encoder.
        gradient_checkpointing: less memory in training for about a third more time.
    """

    attention: str | None = None
    dropout: float | None = None
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.attention not in (None, "eager", "sdpa"):
            raise BadValue("attention", self.attention, "'eager', 'sdpa' or null")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise BadValue("dropout", self.dropout, "null or a share, 0 <= dropout < 1")


def tiny_encoder(
    tiny: TinyEncoder,
    options: EncoderOptions,
    max_length: int,
    texts: Iterable[str] | None,
    *,
    markers: bool = True,
    kind: Any = AutoModel,
    **config_options: Any,
) -> tuple[Any, Any]:
    """Encoder with random weights (torch's seed) and a tokenizer trained on `texts`.

    Args:
        tiny, options, max_length, texts, markers: see `make_encoder`.
        kind: AutoModel, or one of its like with a head.
        **config_options: of the head.

    Raises:
        BadValue: no texts.
    """
    if texts is None:
        raise BadValue("texts", None, "training texts, for a tiny encoder's vocabulary")
    tokenizer = tiny_tokenizer(texts, tiny.vocab_size, markers=markers)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=tiny.hidden_size,
        num_hidden_layers=tiny.layers,
        num_attention_heads=tiny.heads,
        intermediate_size=tiny.intermediate,
        max_position_embeddings=tiny.max_positions or max_length,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        **config_options,
    )
    configure(config, options)
    check_positions(config, max_length)
    return encoder_from_config(config, options, kind), tokenizer


def encoder_from_config(
    config: Any,
    options: EncoderOptions,
    kind: Any = AutoModel,
    dtype: torch.dtype = torch.float32,
) -> Any:
    """An encoder, or one with a head by its `kind`, with random weights."""
    configure(config, options)
    try:
        encoder = kind.from_config(config, dtype=dtype, attn_implementation=options.attention)
    except ValueError as error:
        raise BadModel(f"cannot build a '{config.model_type}' encoder: {error}") from error
    return finished(encoder, options)


def check_positions(config: Any, max_length: int) -> None:
    """Raises BadValue where sequences of `max_length` tokens do not fit the encoder."""
    limit = position_limit(config)
    if limit is not None and max_length > limit:
        raise BadValue(
            "tokens of a sequence, by the lengths that texts are cut to",
            max_length,
            f"at most {limit}, the positions of this {config.model_type} encoder",
        )


def position_limit(config: Any) -> int | None:
    """Longest sequence an encoder takes; None where positions are relative (DeBERTa)."""
    try:
        with torch.device("meta"):
            encoder = AutoModel.from_config(config)
    except ValueError as error:
        raise BadModel(f"cannot build a '{config.model_type}' encoder: {error}") from error
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa and its kin count positions from behind the padding id.
            offset = 0 if module.padding_idx is None else module.padding_idx + 1
            return module.num_embeddings - offset
    if getattr(config, "relative_attention", False):
        return None
    return getattr(config, "max_position_embeddings", None)


def configure(config: Any, options: EncoderOptions) -> None:
    """Sets every dropout in a configuration, and in those that it is made of."""
    if options.dropout is None:
        return
    for part in ("encoder", "decoder"):
        if isinstance(getattr(config, part, None), PreTrainedConfig):
            configure(getattr(config, part), options)
    for name, value in config.to_dict().items():
        if "dropout" in name and isinstance(value, int | float) and not isinstance(value, bool):
            setattr(config, name, options.dropout)


def finished(encoder: Any, options: EncoderOptions) -> Any:
    """An encoder or a model around one, ready to be trained or run."""
    if getattr(encoder, "pooler", None) is not None and encoder.base_model is encoder:
        # Only the last hidden state is read; weights without a gradient would stall DDP.
        encoder.pooler = None
    if options.gradient_checkpointing:
        # Renamed in the course of transformers 5.
        old = encoder.gradient_checkpointing_enable
        getattr(encoder, "activation_checkpointing_enable", old)({"use_reentrant": False})
    return encoder
