"""Reading the public BLEURT checkpoints that were converted to PyTorch.

Two kinds: BERT with a regression head in the usual format of `transformers` (`Elron/bleurt-*`),
and `model_type: bleurt` (`lucadiliello/BLEURT-20*`, `lucadiliello/bleurt-*`), whose own package
does not run with transformers 5. The latter is a BERT, or, where its embeddings are narrower than
its layers (`embedding_size`), a RemBERT, under other names.
"""

import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from sentencepiece import SentencePieceProcessor
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    RemBertConfig,
    RemBertForSequenceClassification,
)

from workbench.errors import BadModel
from workbench.models.encoder import EncoderOptions
from workbench.models.pretrained import load_with_head, read_parts
from workbench.models.tokenizer_files import read_tokenizer

Encode = Callable[[Sequence[str]], list[list[int]]]

_SHARED = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "hidden_act", "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "pad_token_id",
)  # fmt: skip


def read_bleurt(folder: Path) -> Any:
    """The model of a checkpoint, with a head of one output.

    Raises:
        BadModel: it cannot be read, is none of the two kinds, or weights do not fit.
    """
    try:
        written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadModel(f"cannot read the configuration of '{folder}': {error}") from error
    if written.get("model_type") == "bleurt":
        return _converted(folder, written)
    config, _ = read_parts(str(folder))
    if getattr(config, "num_labels", None) != 1:
        raise BadModel(f"'{folder}' is no BLEURT: its head has {config.num_labels} outputs, not 1")
    return load_with_head(AutoModelForSequenceClassification, str(folder), config, EncoderOptions())


def read_encode(folder: Path) -> tuple[Encode, int, int]:
    """Function from texts to token ids without a frame, and the ids of [CLS] and [SEP].

    Raises:
        BadModel: there is no tokenizer, or it has no such tokens.
    """
    pieces = folder / "spm.model"
    if pieces.is_file() and not (folder / "tokenizer.json").is_file():
        return _pieces(pieces)
    tokenizer = read_tokenizer(folder)
    if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise BadModel(f"the tokenizer of '{folder}' has no [CLS] or [SEP]")

    def encode(texts: Sequence[str]) -> list[list[int]]:
        found = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)
        return list(found["input_ids"])

    return encode, int(tokenizer.cls_token_id), int(tokenizer.sep_token_id)


def _pieces(file: Path) -> tuple[Encode, int, int]:
    # BLEURT-20's own tokenizer is this library alone.
    try:
        model = SentencePieceProcessor(model_file=str(file))
    except (OSError, RuntimeError) as error:
        raise BadModel(f"cannot read a tokenizer from '{file}': {error}") from error
    ends = [model.piece_to_id(token) for token in ("[CLS]", "[SEP]")]
    if model.unk_id() in ends:
        raise BadModel(f"the tokenizer '{file}' has no [CLS] or [SEP]")

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [list(model.encode(text)) for text in texts]

    return encode, ends[0], ends[1]


def _converted(folder: Path, written: dict[str, Any]) -> Any:
    options: dict[str, Any] = {name: written[name] for name in _SHARED if name in written}
    options["num_labels"] = 1
    narrow = written.get("embedding_size")
    names = {"bleurt.": "bert."}
    kind: Any = BertForSequenceClassification
    try:
        if narrow is None:
            config: Any = BertConfig(**options)
        else:
            config = RemBertConfig(
                **options,
                input_embedding_size=narrow,
                bos_token_id=None,
                eos_token_id=None,
            )
            kind = RemBertForSequenceClassification
            names = {
                "bleurt.encoder.embedding_projection.": (
                    "rembert.encoder.embedding_hidden_mapping_in."
                ),
                "bleurt.": "rembert.",
            }
        model = kind(config)
    except (TypeError, ValueError, KeyError) as error:
        raise BadModel(f"cannot build the BLEURT of '{folder}': {error}") from error
    weights = {_renamed(key, names): value for key, value in _weights(folder).items()}
    _fill(model, weights, folder)
    return model


def _renamed(key: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        if key.startswith(old):
            return new + key.removeprefix(old)
    return key


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    safe, pickled = sorted(folder.glob("*.safetensors")), sorted(folder.glob("pytorch_model*.bin"))
    weights: dict[str, torch.Tensor] = {}
    try:
        for file in safe or pickled:
            if safe:
                weights |= load_file(file)
            else:
                weights |= torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, SafetensorError, pickle.UnpicklingError) as error:
        raise BadModel(f"cannot read the weights of '{folder}': {error}") from error
    if not weights:
        raise BadModel(f"'{folder}' has no weights: model.safetensors or pytorch_model.bin")
    return weights


def _fill(model: Any, weights: dict[str, torch.Tensor], folder: Path) -> None:
    own = model.state_dict()
    faults = {
        "missing": sorted(set(own) - set(weights)),
        "of another shape": sorted(
            key for key in set(own) & set(weights) if own[key].shape != weights[key].shape
        ),
        "not finite": sorted(k for k in own if k in weights and not weights[k].isfinite().all()),
    }
    told = [f"{len(keys)} {what} ({keys[0]})" for what, keys in faults.items() if keys]
    if told:
        raise BadModel(f"'{folder}' is no BLEURT: weights {'; '.join(told)}")
    model.load_state_dict({key: weights[key].float() for key in own})
