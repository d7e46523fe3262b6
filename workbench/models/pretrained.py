"""Pretrained models, with their heads or without: what a checkpoint lacks is told, not made up.

(`transformers` fills it with random numbers and warns.)
"""

import pickle
import re
from collections.abc import Iterable
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel

from workbench.errors import BadModel
from workbench.models.encoder import (
    EncoderOptions,
    TinyEncoder,
    check_positions,
    configure,
    finished,
    tiny_encoder,
)
from workbench.models.markers import add_markers
from workbench.models.quiet import quiet
from workbench.models.tokenizer_files import read_tokenizer

# Buffers that older versions of transformers wrote beside the weights.
_BUFFERS = re.compile(r"(position_ids|token_type_ids|inv_freq|masked_bias|attn\.bias)$")
_SHOWN = 3
_FAULTS = (
    OSError,
    ValueError,
    KeyError,
    ImportError,
    RuntimeError,
    SafetensorError,
    pickle.UnpicklingError,
)


def make_encoder(
    encoder: str | TinyEncoder,
    options: EncoderOptions,
    max_length: int,
    texts: Iterable[str] | None,
    *,
    markers: bool = True,
) -> tuple[Any, Any]:
    """Encoder and tokenizer, loaded or, for a tiny one, made for `texts`.

    Args:
        encoder, options: see there.
        max_length: tokens of the longest sequence.
        texts: of which a tiny encoder's vocabulary is made.
        markers: whether the tokenizer gets PairRM's markers.

    Raises:
        BadModel, BadValue: see `pretrained_encoder` and `tiny_encoder`.
    """
    if isinstance(encoder, str):
        return pretrained_encoder(encoder, options, max_length, markers=markers)
    return tiny_encoder(encoder, options, max_length, texts, markers=markers)


def pretrained_encoder(
    name: str, options: EncoderOptions, max_length: int, *, markers: bool = True
) -> tuple[Any, Any]:
    """Encoder and tokenizer from a directory or a hub id.

    Raises:
        BadModel: there is no such model, it is no encoder, or weights are missing or not finite.
        BadValue: sequences of `max_length` do not fit its positions; found before any weight
            is loaded.
    """
    config, tokenizer = read_parts(name)
    check_positions(config, max_length)
    encoder = load_with_head(AutoModel, name, config, options, fresh_head=True)
    if markers:
        add_markers(tokenizer)
    # Rows beyond the vocabulary go too: PairRM's embedding has exactly one row a token.
    encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return encoder, tokenizer


def read_parts(name: str) -> tuple[Any, Any]:
    """Configuration and tokenizer from a directory or a hub id.

    Raises:
        BadModel: there is no such model, or the two do not belong together.
    """
    local = Path(name).is_dir()
    if not local and name.startswith(("/", ".", "~")):
        raise BadModel(f"no directory '{name}' to load a model from")
    try:
        config = AutoConfig.from_pretrained(name, local_files_only=local, trust_remote_code=False)
    except _FAULTS as error:
        raise BadModel(f"cannot read the configuration of '{name}': {error}") from error
    tokenizer = read_tokenizer(name)
    check_vocabulary(name, config, tokenizer)
    return config, tokenizer


def check_vocabulary(name: str, config: Any, tokenizer: Any) -> None:
    """Raises BadModel where a tokenizer has tokens for which the embedding has no row."""
    rows = vocabulary_size(config)
    if len(tokenizer) > rows:
        raise BadModel(
            f"the tokenizer of '{name}' has {len(tokenizer)} tokens, but its embedding {rows}: "
            "configuration and tokenizer are of two models"
        )


def vocabulary_size(config: Any) -> int:
    """Rows of a model's embedding."""
    return int(config.get_text_config().vocab_size)


def load_with_head(
    kind: Any,
    name: str,
    config: Any,
    options: EncoderOptions,
    *,
    dtype: torch.dtype = torch.float32,
    fresh_head: bool = False,
    all_used: bool = False,
) -> Any:
    """A model with its head.

    Args:
        kind: AutoModelForSequenceClassification, AutoModelForMaskedLM or one of their like.
        name: a directory or a hub id.
        config: its configuration.
        options: how it is run.
        dtype: of the weights.
        fresh_head: the head may be missing or of another size, and then starts from random
            numbers (torch's seed).
        all_used: weights that the model has no place for are a fault too.

    Raises:
        BadModel: weights are missing, of another shape or not finite, or cannot be read.
    """
    configure(config, options)
    # Its own report of what it found would contradict what is told here.
    try:
        with quiet():
            model, told = kind.from_pretrained(
                name,
                config=config,
                dtype=dtype,
                attn_implementation=options.attention,
                local_files_only=Path(name).is_dir(),
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # they are told here, all at once
                output_loading_info=True,
            )
    except _FAULTS as error:
        raise BadModel(f"cannot load a model from '{name}': {error}") from error
    heads = head_names(model)
    lacking = sorted(told["missing_keys"])
    shapes = {
        key: f"{tuple(found)} for {tuple(own)}" for key, found, own in told["mismatched_keys"]
    }
    if fresh_head:
        lacking = [key for key in lacking if not key.startswith(heads)]
        shapes = {key: shape for key, shape in shapes.items() if not key.startswith(heads)}
    faults = {
        "missing": lacking,
        "of another shape": [f"{key} {shapes[key]}" for key in sorted(shapes)],
        "unknown": _unknown(told["unexpected_keys"]) if all_used else [],
        "not finite": [key for key, value in model.named_parameters() if not _finite(value)],
    }
    _check(name, type(model).__name__, faults, heads)
    return finished(model, options)


def head_names(model: Any) -> tuple[str, ...]:
    """Beginnings of the names of a model's weights that are its head: all outside the encoder,
    and the encoder's pooler, which is all that a bare encoder has of a head."""
    base = model.base_model_prefix
    if not hasattr(model, base):  # the bare encoder
        return ("pooler.",)
    outside = [f"{name}." for name, _ in model.named_children() if name != base]
    return (*outside, f"{base}.pooler.")


def exact_head(model: Any) -> None:
    """Makes all outside the encoder compute in float32, under autocast and with an encoder of
    bfloat16 too: a logit is a small difference of two scores."""
    for name, module in model.named_children():
        if name != model.base_model_prefix:
            module.float()
            module.forward = MethodType(_in_float32, module)


def _in_float32(module: Any, *inputs: Any) -> Any:
    floats = [x.float() if isinstance(x, torch.Tensor) else x for x in inputs]
    with torch.autocast(floats[0].device.type, enabled=False):
        return type(module).forward(module, *floats)


def _unknown(names: set[str]) -> list[str]:
    return sorted(name for name in names if not _BUFFERS.search(name))


def _finite(value: torch.Tensor) -> bool:
    return bool(value.isfinite().all())


def _check(name: str, kind: str, faults: dict[str, list[str]], heads: tuple[str, ...]) -> None:
    missing = faults["missing"]
    if missing and all(key.startswith(heads) for key in missing):
        raise BadModel(f"'{name}' holds no trained head: a {kind} needs {', '.join(missing)}")
    told = [
        f"{len(keys)} {fault} ({', '.join(keys[:_SHOWN])})"
        for fault, keys in faults.items()
        if keys
    ]
    if told:
        raise BadModel(f"'{name}' is no {kind}: weights {'; '.join(told)}")
