"""What the parts of Blender's face have in common: their models, and how these run."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from workbench import terminal
from workbench.errors import BadValue, MissingInput


class Face:
    """A part of Blender's face.

    Attributes:
        device, options: where and how models run.
        progress: whether a bar is shown.
    """

    device: torch.device
    options: dict[str, Any]
    progress: bool

    def _taken(
        self, what: str, given: Any, kind: type[Any], load: Callable[[str | Path], Any]
    ) -> Any:
        """A model of this kind, or the one of that name, on the device; raises BadValue for
        anything else."""
        if not isinstance(given, kind | str | Path):
            raise BadValue(what, given, f"a {what}, a directory or a hub id")
        return (given if isinstance(given, kind) else load(given)).to(self.device)

    def _bar(self, title: str, total: int, what: str) -> AbstractContextManager[Any]:
        """A bar, where one is wanted, as a function that tells it what has just been done."""
        if not self.progress:
            return nullcontext(lambda done: None)
        return terminal.progress(title, total, what)


def loaded(model: Any, what: str, example: str) -> Any:
    """The model; raises MissingInput where there is none."""
    if model is None:
        raise MissingInput(
            f"no {what} is loaded: Blender({what}=…) or load_{what}(…) takes a {what}, or "
            f"a directory or hub id, such as {example}"
        )
    return model
