"""Which fuser writes: one trained here, or a checkpoint."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.loading import load_fuser
from workbench.models.model_directory import MODEL_FILES, model_directory
from workbench.stages.checkpoints import checkpoint_id, is_checkpoint, label_of
from workbench.stages.trainings import trained_fuser
from workbench.tracking import Tracker


@dataclass(frozen=True)
class ChosenFuser:
    """A fuser that is known to the store.

    Attributes:
        id: run id of its training, or, where it was not trained here, a hash (32 hex digits) of
            its files.
        label: its class, for people, and the name that it was loaded by.
        load: gives it, ready to fuse; the second time the same one.
    """

    id: str
    label: str
    load: Callable[[], GenFuser]


def chosen_fuser(tracker: Tracker, fuser: str | None) -> ChosenFuser:
    """The fuser that a training or a checkpoint stands for.

    Args:
        tracker: knows the trainings.
        fuser: run id of a training, or its beginning; or a directory or hub id (it holds a
            slash) of a checkpoint. None means the only training of a fuser.

    Raises:
        UnknownName, MissingInput, BadValue: see `trainings.trained_fuser`.
        BadModel: a checkpoint that cannot be loaded.
    """
    if fuser is not None and is_checkpoint(fuser):
        loaded = load_fuser(fuser)
        id = checkpoint_id(model_directory(fuser), MODEL_FILES)
        return ChosenFuser(id, label_of(loaded, fuser), lambda: loaded)
    run = trained_fuser(tracker, fuser)
    return ChosenFuser(run, GenFuser.__name__, cache(lambda: fuser_of(tracker, run)))


def fuser_of(tracker: Tracker, run: str) -> GenFuser:
    """The fuser that a training has kept; raises BadModel where that is damaged."""
    with tempfile.TemporaryDirectory() as folder:
        return load_fuser(tracker.artifact(run, "model", Path(folder)))
