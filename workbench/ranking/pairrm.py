"""Reading PairRM checkpoints (`llm-blender/PairRM`, `llm-blender/PairRM-hf`) as a PairRanker.

config.json          PairRM: the ranker's options, the encoder by its name on the hub;
                     PairRM-hf: the encoder's configuration, and the ranker's options in it
backbone_config.json PairRM: the encoder's configuration, where it is not to come from the hub
model.safetensors    all weights
tokenizer.json, …    the tokenizer, with the markers as added tokens
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from workbench.errors import BadModel, BadValue
from workbench.models import saved
from workbench.models.encoder import check_positions, encoder_from_config
from workbench.models.hub_files import checkpoint_directory, checkpoint_file
from workbench.models.markers import MARKERS
from workbench.models.tokenizer_files import read_tokenizer
from workbench.ranking.pairrm_config import PairRMConfig, read_config

# Buffers that encoders of older transformers versions wrote beside their weights.
_BUFFERS = (
    "pretrained_model.embeddings.position_ids",
    "pretrained_model.embeddings.token_type_ids",
)
_CONVERT = (
    "import torch, safetensors.torch as s; s.save_file(torch.load('{file}', map_location='cpu', "
    "weights_only=True), 'model.safetensors')"
)


def is_pairrm(directory: str | Path) -> bool:
    """Whether a directory's config.json claims one of the two formats; never raises."""
    try:
        config = json.loads((Path(directory) / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and (
        config.get("ranker_type") == "pairranker"
        or "source_prefix_id" in config
        or "DebertaV2PairRM" in (config.get("architectures") or ())
    )


def names_pairrm(name: str) -> bool:
    """Whether a directory, or a model of the hub, is a PairRM checkpoint, by its config alone."""
    try:
        return is_pairrm(checkpoint_file(name, "config.json").parent)
    except BadModel:  # whoever loads it as an encoder says so
        return False


def load_pairrm(
    kind: Callable[..., Any],
    name: str | Path,
    *,
    measures: Sequence[str] | None = None,
    local_files_only: bool = False,
    **options: Any,
) -> Any:
    """A PairRanker with the weights of a PairRM checkpoint, in eval mode.

    Its logits are those of the reference code, with one exception: a marker (or padding) that a
    text spells is the unknown token there, where in the reference it shifts the places compared.

    Args:
        kind: the class, PairRanker.
        name: a directory, or a hub id, of which only JSON, SentencePiece and safetensors files
            are fetched.
        measures: names of the heads, which PairRM does not name; by default `pairrm`, or
            `pairrm:0`, `pairrm:1`, … To train on, give the measures of the data.
        local_files_only: take hub files from the local cache only.
        **options: of `kind`, in place of those of the checkpoint and the defaults.

    Raises:
        BadModel: files, weights, configuration or tokenizer are missing or contradict each other.
        BadValue: not one measure for each head, or an option that cannot be used.
    """
    directory = checkpoint_directory(name, local_files_only=local_files_only)
    config = read_config(directory, str(name), local_files_only=local_files_only)
    weights = _read_weights(directory)
    _check_head(config, weights)
    tokenizer = read_tokenizer(directory)
    check_markers(config, tokenizer)
    ranker = kind(config.encoder, **_options(config, measures, options))
    backbone = config.backbone
    if not config.is_hf:
        # The base model's vocabulary is without the markers; PairRM has one row for each token.
        backbone.vocab_size = len(tokenizer)
    check_positions(backbone, ranker.max_length)
    ranker.assemble(encoder_from_config(backbone, ranker.encoder_options), tokenizer)
    weights = _without_unread(weights, ranker.pretrained_model)
    saved.check_weights(weights, ranker.state_dict(), directory / "model.safetensors")
    ranker.load_state_dict(weights)
    return ranker.eval()


def check_markers(config: PairRMConfig, tokenizer: Any) -> None:
    """Raises BadModel where the tokenizer's markers are not those that the weights know."""
    ids = dict(zip(MARKERS, tokenizer.convert_tokens_to_ids(list(MARKERS)), strict=True))
    lacking = [marker for marker, i in ids.items() if i in (None, tokenizer.unk_token_id)]
    if lacking:
        raise BadModel(
            f"{config.file.parent}: the tokenizer does not hold the markers {', '.join(lacking)}; "
            f"PairRM needs {', '.join(MARKERS)} as added tokens"
        )
    for marker, (key, wanted) in config.marker_ids.items():
        if ids[marker] != wanted:
            raise BadModel(
                f"{config.file}: {key} = {wanted}, but the tokenizer's {marker} has id "
                f"{ids[marker]}: config and tokenizer are of two models"
            )
    if config.is_hf and len(tokenizer) > config.backbone.vocab_size:
        raise BadModel(
            f"{config.file}: vocab_size = {config.backbone.vocab_size}, but the tokenizer has "
            f"{len(tokenizer)} tokens: config and tokenizer are of two models"
        )


def _options(
    config: PairRMConfig, measures: Sequence[str] | None, options: dict[str, Any]
) -> dict[str, Any]:
    names = config.measures if measures is None else list(measures)
    if len(names) != config.n_tasks:
        expected = f"{config.n_tasks} names, one for each head of {config.file.parent}"
        raise BadValue("measures", names, expected)
    return {
        "measures": names,
        "source_maxlength": config.source_maxlength,
        "candidate_maxlength": config.candidate_maxlength,
        "head_dropout": config.drop_out,
        **options,
    }


def _read_weights(directory: Path) -> dict[str, Tensor]:
    file = directory / "model.safetensors"
    pickles = sorted(
        path.name for path in directory.iterdir() if path.suffix in (".bin", ".pt", ".pth")
    )
    if not file.is_file():
        found = f" but {', '.join(pickles)}" if pickles else ""
        how = _CONVERT.format(file=pickles[0] if pickles else "pytorch_model.bin")
        raise BadModel(
            f"{directory} holds no model.safetensors{found}. Pickles are neither fetched nor "
            f'read, for they can run code. Convert one from a source you trust: python -c "{how}"'
        )
    return saved.read_weights(file)


def _check_head(config: PairRMConfig, weights: dict[str, Tensor]) -> None:
    head = weights.get("head_layer.4.weight")
    if head is not None and len(head) != config.n_tasks:
        raise BadModel(
            f"{config.file}: n_tasks = {config.n_tasks}, but the head of model.safetensors "
            f"has {len(head)} outputs"
        )


def _without_unread(weights: dict[str, Tensor], encoder: Any) -> dict[str, Tensor]:
    # A pooler, where the encoder's kind has one, is not read: PairRM takes the markers' states.
    unread = "pretrained_model.pooler." if hasattr(encoder, "pooler") else None
    return {
        name: value
        for name, value in weights.items()
        if name not in _BUFFERS and not (unread and name.startswith(unread))
    }
