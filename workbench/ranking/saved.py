"""A ranker on disk: plain files that load without a hub and without unpickling.

config.json          the format and the ranker's options
encoder/config.json  the encoder's configuration
tokenizer/           the tokenizer's files, markers included
model.safetensors    all weights, named as in the PairRM checkpoints
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer

from workbench.errors import BadModel
from workbench.ranking.encoder import EncoderOptions, encoder_from_config

FORMAT = "llm-ensemble-workbench/pair-ranker"
VERSION = 1


def save_ranker(ranker: Any, directory: Path) -> None:
    """Writes a built ranker into a directory, which is made."""
    tokenizer = ranker.layout.tokenizer
    (directory / "encoder").mkdir(parents=True, exist_ok=True)
    config = {"format": FORMAT, "version": VERSION, "options": dict(ranker.hparams)}
    _write_json(directory / "config.json", config)
    _write_json(directory / "encoder" / "config.json", ranker.pretrained_model.config.to_dict())
    tokenizer.save_pretrained(directory / "tokenizer")
    weights = {name: value.detach().cpu().clone() for name, value in ranker.state_dict().items()}
    save_file(weights, directory / "model.safetensors")


def read_options(directory: Path) -> dict[str, Any]:
    """The options of a saved ranker; raises BadModel where it is none."""
    config = _read_json(directory / "config.json")
    if config.get("format") != FORMAT or config.get("version") != VERSION:
        raise BadModel(
            f"{directory / 'config.json'} is not a saved ranker of this version: expected format "
            f"'{FORMAT}' version {VERSION}, found {config.get('format')!r} "
            f"version {config.get('version')!r}"
        )
    options: dict[str, Any] = config["options"]
    return options


def load_ranker(kind: Callable[..., Any], directory: Path) -> Any:
    """A ranker of class `kind` with options and weights of a directory; raises BadModel."""
    try:
        ranker = kind(**read_options(directory))
    except TypeError as error:
        raise BadModel(f"{directory / 'config.json'}: {error}") from error
    weights = _read_weights(directory / "model.safetensors")
    encoder, tokenizer = _read_parts(directory, ranker.encoder_options)
    ranker.assemble(encoder, tokenizer)
    check_weights(weights, ranker.state_dict(), directory / "model.safetensors")
    ranker.load_state_dict(weights)
    return ranker


def check_weights(found: dict[str, Tensor], wanted: dict[str, Tensor], file: Path) -> None:
    """Raises BadModel on weights that are missing, unknown, of another shape or not finite."""
    faults = {
        "missing": sorted(wanted.keys() - found.keys()),
        "unknown": sorted(found.keys() - wanted.keys()),
        "of another shape": [
            f"{name} {tuple(found[name].shape)} for {tuple(wanted[name].shape)}"
            for name in sorted(wanted.keys() & found.keys())
            if found[name].shape != wanted[name].shape
        ],
        "not finite": sorted(name for name, value in found.items() if not value.isfinite().all()),
    }
    told = [
        f"{len(names)} {kind} ({', '.join(names[:3])})" for kind, names in faults.items() if names
    ]
    if told:
        raise BadModel(f"{file}: weights {'; '.join(told)}")


def files_of(ranker: Any) -> dict[str, bytes]:
    """Encoder configuration and tokenizer of a ranker as file contents by relative path."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "encoder").mkdir()
        _write_json(root / "encoder" / "config.json", ranker.pretrained_model.config.to_dict())
        ranker.layout.tokenizer.save_pretrained(root / "tokenizer")
        paths = [path for path in root.rglob("*") if path.is_file()]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def build_from_files(ranker: Any, files: dict[str, bytes]) -> None:
    """Builds a ranker as the one was whose files these are; weights are loaded later.

    Raises:
        BadModel: it is built already, with another vocabulary.
    """
    encoder, tokenizer = _from_files(files, ranker.encoder_options)
    if not ranker.built:
        ranker.assemble(encoder, tokenizer)
    elif tokenizer.get_vocab() != ranker.layout.tokenizer.get_vocab():
        raise BadModel(
            "the checkpoint was trained with another vocabulary than the one just built: "
            "the training texts or the encoder have changed; start a new run"
        )


def _from_files(files: dict[str, bytes], options: EncoderOptions) -> tuple[Any, Any]:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = (Path(folder) / name).resolve()
            if not path.is_relative_to(Path(folder).resolve()):
                raise BadModel(f"a checkpoint that writes outside its folder: {name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return _read_parts(Path(folder), options)


def _read_parts(directory: Path, options: EncoderOptions) -> tuple[Any, Any]:
    _read_json(directory / "encoder" / "config.json")
    if not (directory / "tokenizer" / "tokenizer_config.json").is_file():
        raise BadModel(f"{directory / 'tokenizer'} holds no tokenizer")
    try:
        config = AutoConfig.from_pretrained(directory / "encoder", local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(directory / "tokenizer", local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise BadModel(f"cannot read the ranker in {directory}: {error}") from error
    return encoder_from_config(config, options), tokenizer


def _read_weights(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise BadModel(f"{file} is missing")
    try:
        return {name: value.to(torch.float32) for name, value in load_file(file).items()}
    except SafetensorError as error:
        raise BadModel(f"{file} is damaged: {error}") from error


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadModel(f"{file} is missing") from error
    except ValueError as error:
        raise BadModel(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadModel(f"{file} holds no JSON object")
    return content


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
