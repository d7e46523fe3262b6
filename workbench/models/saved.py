"""A model with an encoder on disk: plain files that load without a hub and without unpickling.

config.json          the format, the model's class and its options
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
from workbench.models.trainable import Learner

FORMAT = "llm-ensemble-workbench/"
"""The format's name is this with the kind of the model, such as llm-ensemble-workbench/ranker."""
VERSION = 2
# Written before there were other rankers than PairRanker.
_OLD = ("llm-ensemble-workbench/pair-ranker", 1, "workbench.ranking.pair_ranker.PairRanker")


def save_model(model: Any, directory: Path) -> None:
    """Writes a built model into a directory, which is made."""
    (directory / "encoder").mkdir(parents=True, exist_ok=True)
    write_json(directory / "config.json", described(model))
    write_json(directory / "encoder" / "config.json", model.pretrained_model.config.to_dict())
    model.tokenizer.save_pretrained(directory / "tokenizer")
    weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    save_file(weights, directory / "model.safetensors")


def described(model: Any) -> dict[str, Any]:
    """What config.json holds of a model: format, version, class and options."""
    return {
        "format": FORMAT + model.kind,
        "version": VERSION,
        "class": class_path(model),
        "options": dict(model.hparams),
    }


def class_path(model: Any) -> str:
    """Module and name of a model's class."""
    return f"{type(model).__module__}.{type(model).__qualname__}"


def is_saved(directory: Path, kind: str) -> bool:
    """Whether a directory holds a saved model of a kind, of whatever version; never raises."""
    try:
        found = read_json(directory / "config.json").get("format")
    except BadModel:
        return False
    return found == FORMAT + kind or (kind == "ranker" and found == _OLD[0])


def read_config(directory: Path, kind: str) -> tuple[str, dict[str, Any]]:
    """Class and options of a saved model of a kind; raises BadModel where it is none."""
    config = read_json(directory / "config.json")
    name, version = config.get("format"), config.get("version")
    if kind == "ranker" and (name, version) == _OLD[:2]:
        config["class"] = _OLD[2]
    elif (name, version) != (FORMAT + kind, VERSION):
        raise BadModel(
            f"{directory / 'config.json'} is not a saved {kind} of this version: expected format "
            f"'{FORMAT}{kind}' version {VERSION}, found {name!r} version {version!r}"
        )
    for key, expected, told in (("class", str, "a text"), ("options", dict, "an object")):
        if not isinstance(config.get(key), expected):
            found = f"{key} = {config.get(key)!r}"
            raise BadModel(f"{directory / 'config.json'} is damaged: {found}: expected {told}")
    return config["class"], config["options"]


def load_model(family: type[Any], directory: Path) -> Any:
    """The model in a directory, which has to be of the class `family`; raises BadModel."""
    model = empty_model(family, directory)
    load_into(model, directory)
    return model


def empty_model(family: type[Any], directory: Path) -> Any:
    """The model in a directory with its options, without its weights; raises BadModel."""
    options = read_config(directory, family.kind)[1]
    try:
        return class_in(family, directory)(**options)
    except TypeError as error:
        raise BadModel(f"{directory / 'config.json'}: {error}") from error


def load_into(model: Any, directory: Path) -> None:
    """Builds a model with the encoder, tokenizer and weights of a saved one; raises BadModel."""
    weights = read_weights(directory / "model.safetensors")
    model.assemble(*_read_parts(directory, model))
    check_weights(weights, model.state_dict(), directory / "model.safetensors")
    model.load_state_dict(weights)


def class_in(family: type[Any], directory: Path) -> type[Any]:
    """The class of the model in a directory; raises BadModel where it is not of `family`."""
    path = read_config(directory, family.kind)[0]
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadModel(f"{directory} holds a '{path}', which is not there: {error}") from error
    # Nothing but a model is called, whatever a file from elsewhere names.
    if not (isinstance(found, type) and issubclass(found, Learner) and issubclass(found, family)):
        raise BadModel(f"{directory} holds a '{path}', which is no {family.__name__}")
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


def files_of(model: Any) -> dict[str, bytes]:
    """Encoder configuration and tokenizer of a model as file contents by relative path."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "encoder").mkdir()
        write_json(root / "encoder" / "config.json", model.pretrained_model.config.to_dict())
        model.tokenizer.save_pretrained(root / "tokenizer")
        paths = [path for path in root.rglob("*") if path.is_file()]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def build_from_files(model: Any, files: dict[str, bytes]) -> None:
    """Builds a model as the one was whose files these are; weights are loaded later.

    Raises:
        BadModel: it is built already, with another vocabulary.
    """
    encoder, tokenizer = _from_files(files, model)
    if not model.built:
        model.assemble(encoder, tokenizer)
    elif tokenizer.get_vocab() != model.tokenizer.get_vocab():
        raise BadModel(
            "the checkpoint was trained with another vocabulary than the one just built: "
            "the training texts or the encoder have changed; start a new run"
        )


def _from_files(files: dict[str, bytes], model: Any) -> tuple[Any, Any]:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = (Path(folder) / name).resolve()
            if not path.is_relative_to(Path(folder).resolve()):
                raise BadModel(f"a checkpoint that writes outside its folder: {name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return _read_parts(Path(folder), model)


def _read_parts(directory: Path, model: Any) -> tuple[Any, Any]:
    read_json(directory / "encoder" / "config.json")
    if not (directory / "tokenizer" / "tokenizer_config.json").is_file():
        raise BadModel(f"{directory / 'tokenizer'} holds no tokenizer")
    try:
        config, tokenizer = (
            kind.from_pretrained(directory / part, local_files_only=True, trust_remote_code=False)
            for kind, part in ((AutoConfig, "encoder"), (AutoTokenizer, "tokenizer"))
        )
    except Exception as error:  # the libraries raise bare ones on damaged files
        raise BadModel(f"cannot read the {model.kind} in {directory}: {error}") from error
    check_vocabulary(str(directory), config, tokenizer)
    return model.parts_from_config(config), tokenizer


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
