"""Reading a language model that writes: an encoder–decoder or a causal one."""

from typing import Any

import torch
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
)

from workbench.errors import BadModel, BadValue
from workbench.models.encoder import EncoderOptions, position_limit
from workbench.models.pretrained import load_with_head, read_parts


def read_language_model(
    name: str,
    options: EncoderOptions | None = None,
    dtype: torch.dtype = torch.float32,
) -> tuple[Any, Any]:
    """Model, on the CPU, and tokenizer from a directory or a hub id.

    Args:
        name: T5, BART and their like, or a causal model.
        options: how it is run.
        dtype: of the weights.

    Raises:
        BadModel: there is no such model, it is none that writes, or weights are missing, of
            another shape or not finite.
    """
    config, tokenizer = read_parts(name)
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    if type(config) not in kind._model_mapping or _reads_only(config):
        raise BadModel(
            f"'{name}' is a {config.model_type}, which writes no text: expected an "
            "encoder–decoder (T5, BART …) or a causal language model"
        )
    # With nothing cut off, a missing output layer is a fault like any other missing weight.
    model = load_with_head(kind, name, config, options or EncoderOptions(), dtype=dtype)
    return model, tokenizer


def _reads_only(config: Any) -> bool:
    """Whether this is an encoder, which transformers would run as a decoder all the same."""
    if config.is_encoder_decoder or getattr(config, "is_decoder", False):
        return False
    return type(config) in MODEL_FOR_MASKED_LM_MAPPING


def longest_prompt(config: Any, answer: int) -> int | None:
    """Most tokens of a prompt that a model's positions leave room for; None: no limit.

    Args:
        config: the model's; an encoder–decoder has positions for each side.
        answer: tokens of the longest answer.
    """
    limit, _ = _positions(config)
    return limit if limit is None or config.is_encoder_decoder else max(1, limit - answer)


def check_positions(config: Any, prompt: int, answer: int) -> None:
    """Raises BadValue where prompts or answers are longer than a model's positions.

    Args:
        config: the model's.
        prompt, answer: tokens of the longest.
    """
    read, written = "tokens of a prompt (max_length)", f"an answer ({answer})"
    to_read, to_write = _positions(config)
    if config.is_encoder_decoder:
        sides = [(read, prompt, to_read), (f"tokens of {written}", answer, to_write)]
    else:
        sides = [(f"{read} and {written}", prompt + answer, to_read)]
    for name, needed, limit in sides:
        if limit is not None and needed > limit:
            told = f"at most {limit}, the positions of this {config.model_type}"
            raise BadValue(name, needed, told)


def _positions(config: Any) -> tuple[int | None, int | None]:
    """Of what is read and of what is written; a causal model has one line of both."""
    if config.is_encoder_decoder and hasattr(config, "decoder"):  # two models in one
        return position_limit(config.encoder), position_limit(config.decoder)
    limit = getattr(config, "max_position_embeddings", None)
    return limit, limit
