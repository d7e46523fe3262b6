"""Loading a fuser by name, wherever it was trained."""

from pathlib import Path

from workbench.fusion.gen_fuser import GenFuser


def load_fuser(name: str | Path) -> GenFuser:
    """A fuser in eval mode: one saved here, `llm-blender/gen_fuser_3b`, or any language model.

    Args:
        name: a directory or a hub id.

    Raises:
        BadModel: there is no such model, or it is damaged.
    """
    return GenFuser.from_pretrained(name)
