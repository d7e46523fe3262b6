"""What makes a training itself: the settings that its weights depend on.

Options at their defaults are left out, so that a training is still known when the workbench has
learned a new option; so is what changes only the look or the place of a training; and an encoder
in a directory counts by its files, wherever the directory lies.
"""

import hashlib
import inspect
from pathlib import Path
from typing import Any

# Of the Lightning Trainer: neither changes what is learned.
_INDIFFERENT = frozenset(
    {
        "accelerator", "benchmark", "detect_anomaly", "enable_model_summary",
        "enable_progress_bar", "log_every_n_steps",
    }
)  # fmt: skip
_READ = 1 << 20


def identity(model: Any, data: Any, trainer: dict[str, Any]) -> dict[str, Any]:
    """Class and settings of a LightningModule and a LightningDataModule, and Trainer options."""
    settings = _settings(model)
    encoder = settings["init_args"].get("encoder")
    if isinstance(encoder, str) and Path(encoder).is_dir():
        settings["init_args"]["encoder"] = f"directory:{_content(Path(encoder))}"
    return {
        "model": settings,
        "data": _settings(data),
        "trainer": {name: v for name, v in trainer.items() if name not in _INDIFFERENT},
    }


def _settings(thing: Any) -> dict[str, Any]:
    kind = type(thing)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.default is not parameter.empty
    }
    given = {
        name: value
        for name, value in dict(thing.hparams).items()
        if name not in defaults or value != defaults[name]
    }
    return {"class_path": f"{kind.__module__}.{kind.__qualname__}", "init_args": given}


def _content(folder: Path) -> str:
    """Hash over names and contents of a model's files (16 hex digits)."""
    digest = hashlib.sha256()
    for file in sorted(p for p in folder.iterdir() if p.is_file()):
        digest.update(file.name.encode())
        with file.open("rb") as opened:
            while block := opened.read(_READ):
                digest.update(block)
    return digest.hexdigest()[:16]
