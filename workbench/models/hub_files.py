"""Where a checkpoint's files are: a directory, or the local copy of a model of the hub.

Only files that cannot run code are fetched: JSON, SentencePiece models and safetensors. What the
hub's cache holds is found without a network.
"""

from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download

from workbench.errors import BadModel

SAFE_FILES = ("*.json", "*.model", "*.safetensors")


def checkpoint_directory(name: str | Path, *, local_files_only: bool = False) -> Path:
    """The directory `name` itself, or that of the hub model `name` in the hub's cache.

    Raises:
        BadModel: there is no such directory and no such model, or it cannot be reached.
    """
    if not _on_hub(name):
        return Path(name).expanduser()
    try:
        found = snapshot_download(
            str(name), allow_patterns=list(SAFE_FILES), local_files_only=local_files_only
        )
    except (OSError, ValueError) as error:
        raise _unreachable(name, error) from error
    return Path(found)


def checkpoint_file(name: str | Path, file: str, *, local_files_only: bool = False) -> Path:
    """One file of a directory or of a model of the hub; raises BadModel as above."""
    if not _on_hub(name):
        return Path(name).expanduser() / file
    try:
        return Path(hf_hub_download(str(name), file, local_files_only=local_files_only))
    except (OSError, ValueError) as error:
        raise _unreachable(name, error) from error


def _on_hub(name: str | Path) -> bool:
    if Path(name).expanduser().is_dir():
        return False
    if isinstance(name, Path) or name.startswith(("/", ".", "~")):
        raise BadModel(f"no directory '{name}' to load a checkpoint from")
    return True


def _unreachable(name: str | Path, error: Exception) -> BadModel:
    return BadModel(
        f"'{name}' is no directory, and no model of the hub by that name could be had: {error}"
    )
