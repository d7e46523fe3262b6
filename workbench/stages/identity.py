"""What makes a training itself: the settings that its weights depend on.

Options at their defaults are left out, so that a training is still known when the workbench has
learned a new option; so is what changes only the look or the place of a training; and an encoder
in a directory counts by its files, wherever the directory lies.
"""

import inspect
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from workbench.models.content import content

# Of the Lightning Trainer: neither changes what is learned.
_INDIFFERENT = frozenset(
    {
        "accelerator", "benchmark", "detect_anomaly", "enable_model_summary",
        "enable_progress_bar", "log_every_n_steps",
    }
)  # fmt: skip


def identity(model: Any, data: Any, trainer: dict[str, Any]) -> dict[str, Any]:
    """Class and settings of a LightningModule and a LightningDataModule, and Trainer options."""
    return {
        "model": settings(model),
        "data": settings(data),
        "trainer": {name: v for name, v in trainer.items() if name not in _INDIFFERENT},
    }


def settings(thing: Any) -> dict[str, Any]:
    """Class and options of a ranker or its data, those at their defaults left out."""
    kind = type(thing)
    # Base classes first: an option may have another default in the class itself.
    signatures = [inspect.signature(base.__init__) for base in reversed(kind.__mro__)]  # type: ignore[misc]
    defaults = {
        name: parameter.default
        for signature in signatures
        for name, parameter in signature.parameters.items()
        if parameter.default is not parameter.empty
    }
    options = dict(thing.hparams) | getattr(thing, "nested", {})
    given = {
        name: _told(value)
        for name, value in options.items()
        if name not in defaults or value != defaults[name]
    }
    return {"class_path": f"{kind.__module__}.{kind.__qualname__}", "init_args": _placed(given)}


def _told(value: Any) -> Any:
    """A group of options as those that are not at their defaults; all else as it is."""
    if not is_dataclass(value):
        return value
    told = {own.name: (getattr(value, own.name), own.default) for own in fields(value)}
    return _placed({name: own for name, (own, default) in told.items() if own != default})


def _placed(given: dict[str, Any]) -> dict[str, Any]:
    """Options, pretrained models in directories by their contents."""
    placed = dict(given)
    for name in ("encoder", "model"):
        origin = given.get(name)
        if isinstance(origin, str) and Path(origin).is_dir():
            placed[name] = f"directory:{content(Path(origin))}"
    return placed
