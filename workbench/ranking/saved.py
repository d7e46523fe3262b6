"""A ranker on disk: plain files that load without a hub and without unpickling.

config.json          the format, the ranker's class and its options
encoder/config.json  the encoder's configuration
tokenizer/           the tokenizer's files, markers included
model.safetensors    all weights, named as in the PairRM checkpoints
"""

import json
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer

from workbench.errors import BadModel
from workbench.models.pretrained import check_vocabulary
from workbench.ranking.ranker import Ranker

FORMAT = "llm-ensemble-workbench/ranker"
VERSION = 2
# Written before there were other rankers than PairRanker.
_OLD = ("llm-ensemble-workbench/pair-ranker", 1, "workbench.ranking.pair_ranker.PairRanker")


def save_ranker(ranker: Any, directory: Path) -> None:
    """Writes a built ranker into a directory, which is made."""
    (directory / "encoder").mkdir(parents=True, exist_ok=True)
    config = {
        "format": FORMAT,
        "version": VERSION,
        "class": class_path(ranker),
        "options": dict(ranker.hparams),
    }
    write_json(directory / "config.json", config)
    write_json(directory / "encoder" / "config.json", ranker.pretrained_model.config.to_dict())
    ranker.tokenizer.save_pretrained(directory / "tokenizer")
    weights = {name: value.detach().cpu().clone() for name, value in ranker.state_dict().items()}
    save_file(weights, directory / "model.safetensors")


def class_path(ranker: Any) -> str:
    """Module and name of a ranker's class."""
    return f"{type(ranker).__module__}.{type(ranker).__qualname__}"


def is_saved(directory: Path) -> bool:
    """Whether a directory holds what `save_ranker` wrote, of whatever version; never raises."""
    try:
        found = read_json(directory / "config.json").get("format")
    except BadModel:
        return False
    return found in (FORMAT, _OLD[0])


def read_config(directory: Path) -> tuple[str, dict[str, Any]]:
    """Class and options of a saved ranker; raises BadModel where it is none."""
    config = read_json(directory / "config.json")
    found = (config.get("format"), config.get("version"))
    if found == _OLD[:2]:
        config["class"] = _OLD[2]
    elif found != (FORMAT, VERSION):
        raise BadModel(
            f"{directory / 'config.json'} is not a saved ranker of this version: expected format "
            f"'{FORMAT}' version {VERSION}, found {found[0]!r} version {found[1]!r}"
        )
    for key, kind, expected in (("class", str, "a text"), ("options", dict, "an object")):
        if not isinstance(config.get(key), kind):
            told = f"{key} = {config.get(key)!r}: expected {expected}"
            raise BadModel(f"{directory / 'config.json'} is damaged: {told}")
    return config["class"], config["options"]


def load_ranker(kind: type[Any], directory: Path) -> Any:
    """The ranker in a directory, which has to be of class `kind`; raises BadModel."""
    path, options = read_config(directory)
    try:
        ranker = _found_class(path, kind, directory)(**options)
    except TypeError as error:
        raise BadModel(f"{directory / 'config.json'}: {error}") from error
    load_into(ranker, directory)
    return ranker


def load_into(ranker: Any, directory: Path) -> None:
    """Builds a ranker with the encoder, tokenizer and weights of a saved one; raises BadModel."""
    weights = read_weights(directory / "model.safetensors")
    ranker.assemble(*_read_parts(directory, ranker))
    check_weights(weights, ranker.state_dict(), directory / "model.safetensors")
    ranker.load_state_dict(weights)


def check_class(kind: type[Any], directory: Path) -> None:
    """Raises BadModel where the ranker in a directory is not of class `kind`."""
    _found_class(read_config(directory)[0], kind, directory)


def _found_class(path: str, kind: type[Any], directory: Path) -> type[Any]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadModel(f"{directory} holds a '{path}', which is not there: {error}") from error
    # Nothing but a ranker is called, whatever a file from elsewhere names.
    if not (isinstance(found, type) and issubclass(found, Ranker) and issubclass(found, kind)):
        raise BadModel(f"{directory} holds a '{path}', which is no {kind.__name__}")
    return found


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
        write_json(root / "encoder" / "config.json", ranker.pretrained_model.config.to_dict())
        ranker.tokenizer.save_pretrained(root / "tokenizer")
        paths = [path for path in root.rglob("*") if path.is_file()]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def build_from_files(ranker: Any, files: dict[str, bytes]) -> None:
    """Builds a ranker as the one was whose files these are; weights are loaded later.

    Raises:
        BadModel: it is built already, with another vocabulary.
    """
    encoder, tokenizer = _from_files(files, ranker)
    if not ranker.built:
        ranker.assemble(encoder, tokenizer)
    elif tokenizer.get_vocab() != ranker.tokenizer.get_vocab():
        raise BadModel(
            "the checkpoint was trained with another vocabulary than the one just built: "
            "the training texts or the encoder have changed; start a new run"
        )


def _from_files(files: dict[str, bytes], ranker: Any) -> tuple[Any, Any]:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = (Path(folder) / name).resolve()
            if not path.is_relative_to(Path(folder).resolve()):
                raise BadModel(f"a checkpoint that writes outside its folder: {name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return _read_parts(Path(folder), ranker)


def _read_parts(directory: Path, ranker: Any) -> tuple[Any, Any]:
    read_json(directory / "encoder" / "config.json")
    if not (directory / "tokenizer" / "tokenizer_config.json").is_file():
        raise BadModel(f"{directory / 'tokenizer'} holds no tokenizer")
    try:
        config, tokenizer = (
            kind.from_pretrained(directory / part, local_files_only=True, trust_remote_code=False)
            for kind, part in ((AutoConfig, "encoder"), (AutoTokenizer, "tokenizer"))
        )
    except Exception as error:  # the libraries raise bare ones on damaged files
        raise BadModel(f"cannot read the ranker in {directory}: {error}") from error
    check_vocabulary(str(directory), config, tokenizer)
    return ranker.parts_from_config(config), tokenizer


def read_weights(file: Path) -> dict[str, Tensor]:
    """Weights of a safetensors file in float32; raises BadModel where it is missing or damaged."""
    if not file.is_file():
        raise BadModel(f"{file} is missing")
    try:
        return {name: value.to(torch.float32) for name, value in load_file(file).items()}
    except SafetensorError as error:
        raise BadModel(f"{file} is damaged: {error}") from error


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file; raises BadModel."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadModel(f"{file} is missing") from error
    except ValueError as error:
        raise BadModel(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadModel(f"{file} holds no JSON object")
    return content


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Writes an object as JSON."""
    file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
