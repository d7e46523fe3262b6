"""An encoder–decoder that starts from a pretrained encoder of BERT's kind.

(Rothe, Narayan, Severyn; "Leveraging Pre-trained Checkpoints for Sequence Generation Tasks",
TACL 2020; arXiv 1907.12461, section 3.)
"""

import copy
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    EncoderDecoderConfig,
)

from workbench.errors import BadModel, BadValue
from workbench.models.encoder import EncoderOptions, encoder_from_config
from workbench.models.pretrained import load_with_head, read_parts

_LAYER = re.compile(r"(?<=\blayer\.)\d+(?=\.)")


@dataclass(frozen=True)
class WarmSeq2Seq:
    """An encoder, and a decoder made of its layers; only the attention from one to the other
    starts from random numbers.

    Attributes:
        encoder: a directory or a hub id: BERT, RoBERTa, ELECTRA or one of their like.
        decoder_layers: of the decoder, taken evenly from the encoder's; None: all of them.
    """

    encoder: str
    decoder_layers: int | None = None

    def __post_init__(self) -> None:
        if self.decoder_layers is not None and self.decoder_layers < 1:
            raise BadValue("model.decoder_layers", self.decoder_layers, "a positive number")


def warm_seq2seq(warm: WarmSeq2Seq, options: EncoderOptions) -> tuple[Any, Any]:
    """Model and tokenizer; what the encoder has no weights for is random (torch's seed).

    One embedding of words serves the encoder, the decoder and the output.

    Raises:
        BadModel: there is no such encoder, or its kind cannot be a decoder.
        BadValue: more layers than it has.
    """
    config, tokenizer = read_parts(warm.encoder)
    _check_kind(warm.encoder, config)
    taken = layers_taken(config.num_hidden_layers, warm.decoder_layers)
    _frame(warm.encoder, tokenizer)
    source = load_with_head(AutoModelForMaskedLM, warm.encoder, config, options, fresh_head=True)
    model = encoder_from_config(
        _both(config, len(taken), tokenizer), options, AutoModelForSeq2SeqLM
    )
    _take(model.encoder, source.base_model.state_dict(), range(config.num_hidden_layers))
    _take(model.decoder, source.state_dict(), taken)
    model.decoder.set_input_embeddings(model.encoder.get_input_embeddings())
    model.decoder.tie_weights()
    for name, parameter in model.encoder.named_parameters():
        if name.startswith("pooler."):  # never read: weights without a gradient would stall DDP
            parameter.requires_grad = False
    return model, tokenizer


def own_weights(model: Any) -> dict[str, torch.Tensor]:
    """A model's weights to be saved, the encoder's embedding as a copy of its own.

    The format has no word for an encoder and a decoder of two models that share a weight.
    """
    state: dict[str, torch.Tensor] = model.state_dict()
    if not isinstance(model.config, EncoderDecoderConfig):
        return state
    return {name: v.clone() if name.startswith("encoder.") else v for name, v in state.items()}


def layers_taken(layers: int, wanted: int | None) -> list[int]:
    """Which of an encoder's layers become the decoder's, the first and the last among them.

    Raises:
        BadValue: more are wanted than there are.

    >>> layers_taken(6, 3)
    [0, 2, 5]
    """
    wanted = layers if wanted is None else wanted
    if wanted > layers:
        raise BadValue("model.decoder_layers", wanted, f"at most {layers}, the encoder's")
    return [int(place) for place in np.linspace(0, layers - 1, wanted)]


def _check_kind(name: str, config: Any) -> None:
    """Raises BadModel for what is no encoder, or one that cannot read another's states."""
    kind = type(config)
    known = kind in MODEL_FOR_MASKED_LM_MAPPING and kind in MODEL_FOR_CAUSAL_LM_MAPPING
    if known and not config.is_encoder_decoder:
        forward = inspect.signature(MODEL_FOR_CAUSAL_LM_MAPPING[kind].forward)  # type: ignore[attr-defined]
        known = "encoder_hidden_states" in forward.parameters
    if not known or config.is_encoder_decoder:
        raise BadModel(
            f"'{name}' is a {config.model_type}, from which no decoder can start: expected an "
            "encoder such as BERT, RoBERTa or ELECTRA"
        )


def _frame(name: str, tokenizer: Any) -> None:
    """Answers begin and end with the tokens that frame the encoder's texts."""
    for own, other in (("bos_token", "cls_token"), ("eos_token", "sep_token")):
        if getattr(tokenizer, own) is None:
            setattr(tokenizer, own, getattr(tokenizer, other))
        if getattr(tokenizer, own) is None:
            raise BadModel(f"the tokenizer of '{name}' has neither a {own} nor a {other}")


def _both(config: Any, layers: int, tokenizer: Any) -> Any:
    """Configuration of the whole."""
    decoder = copy.deepcopy(config)
    decoder.num_hidden_layers = layers
    decoder.tie_word_embeddings = True
    both = EncoderDecoderConfig.from_encoder_decoder_configs(config, decoder)
    both.decoder_start_token_id = both.bos_token_id = tokenizer.bos_token_id
    both.eos_token_id, both.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    return both


def _take(model: Any, source: Mapping[str, torch.Tensor], layers: Any) -> None:
    """Takes over what `source` has by the same name; layer k is its layer `layers[k]`."""
    state = model.state_dict()
    for name, value in state.items():
        origin = source.get(_LAYER.sub(lambda found: str(layers[int(found[0])]), name))
        if origin is not None and origin.shape == value.shape:
            value.copy_(origin)
