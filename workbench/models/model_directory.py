"""The files of a pretrained model in one directory: its own, or that of the hub's cache.

Unlike a ranker's checkpoint it may have its weights as `pytorch_model.bin` alone, as many models
of the hub do; they are only ever read with `weights_only`.
"""

from pathlib import Path

from huggingface_hub import snapshot_download

from workbench.errors import BadModel

_BESIDE = ("*.json", "*.model", "*.txt")
_SAFE = "*.safetensors"
_PICKLED = "pytorch_model*.bin"
MODEL_FILES = (*_BESIDE, _SAFE, _PICKLED)


def model_directory(name: str) -> Path:
    """The directory `name`, or that of the hub model `name`, fetched where it is not cached.

    Weights are fetched as safetensors, where there are none as `pytorch_model.bin`.

    Raises:
        BadModel: there is no such directory and no such model, or it cannot be reached; the
            message tells how to get it.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith(("/", ".", "~")):
        raise BadModel(f"no directory '{name}' to load a model from")
    try:
        found = Path(snapshot_download(name, allow_patterns=[*_BESIDE, _SAFE]))
        if not any(found.glob(_SAFE)):
            found = Path(snapshot_download(name, allow_patterns=[_PICKLED]))
    except (OSError, ValueError) as error:
        raise BadModel(
            f"the model '{name}' is not on this machine: there is no such directory, and the hub "
            f"cannot be asked or does not have it ({error}). With a network, "
            f"`hf download {name} --local-dir DIR` gets it; the directory DIR may be copied to a "
            "machine without one and given instead of the name"
        ) from error
    return found
