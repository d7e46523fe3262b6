"""A research workbench for ensembling large language models: rank, fuse, route, and compare."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Blender"]

# Imported when it is asked for: it brings torch along.
_FACE = {"Blender": ".blender"}

if TYPE_CHECKING:
    from workbench.blender import Blender


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(_FACE[name], __name__), name)
