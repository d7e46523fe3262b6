"""How the store knows models that were not trained in it: by their files or their settings."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.models.content import content


def is_checkpoint(name: str) -> bool:
    """Whether a name means a directory or a model of the hub, rather than a training's run id."""
    return "/" in name or name.startswith((".", "~")) or Path(name).is_dir()


def checkpoint_id(directory: Path, files: Iterable[str]) -> str:
    """Id (32 hex digits) of the model in a directory, wherever that lies.

    `files`: what makes it, such as `*.json`, in its folders too; beside them may lie a README, or
    what a download notes of itself.
    """
    patterns = (f"**/{kind}" for kind in files)
    return configuration_id({"checkpoint": content(directory, *patterns)})


def configuration_id(told: dict[str, Any]) -> str:
    """Id (32 hex digits) of whatever is made of these settings alone."""
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def label_of(model: object, origin: object) -> str:
    """Its class and, where it was loaded by a name, the last part of this."""
    kind = type(model).__name__
    return f"{kind} {Path(origin).resolve().name or origin}" if isinstance(origin, str) else kind
