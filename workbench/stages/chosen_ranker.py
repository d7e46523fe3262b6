"""Which ranker compares: one trained here, a checkpoint, or one that needs no training."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import BadValue
from workbench.models.hub_files import SAFE_FILES, checkpoint_directory
from workbench.ranking.loading import load_ranker
from workbench.ranking.ranker import Ranker
from workbench.stages.checkpoints import (
    checkpoint_id,
    configuration_id,
    is_checkpoint,
    label_of,
)
from workbench.stages.identity import settings
from workbench.stages.trainings import class_of, trained_ranker
from workbench.tracking import Tracker

_FILES = (*SAFE_FILES, "*.txt")


@dataclass(frozen=True)
class ChosenRanker:
    """A ranker that is known to the store.

    Attributes:
        id: run id of its training, or, where it was not trained here, a hash (32 hex digits) of
            its class, options and files.
        label: its class, for people, and the name that it was loaded by.
        load: gives it, ready to compare.
    """

    id: str
    label: str
    load: Callable[[], Any]


def chosen_ranker(tracker: Tracker, ranker: str | None, model: Ranker | None) -> ChosenRanker:
    """The ranker that a training, a checkpoint or a model stands for.

    Args:
        tracker: knows the trainings.
        ranker: run id of a training, or its beginning; or a directory or hub id (it holds a
            slash) of a checkpoint. None, without a model, means the only training.
        model: a ranker that needs no training.

    Raises:
        UnknownName, MissingInput, BadValue: see `trainings.trained_ranker`.
        BadModel: a checkpoint that cannot be loaded, or a model that has to be trained.
        BadValue: both a ranker and a model.
    """
    if model is not None:
        if ranker is not None:
            raise BadValue("ranker and model", ranker, "one of them")
        ready = model.prepare()
        label = label_of(model, getattr(model, "encoder", None))
        return ChosenRanker(configuration_id(settings(model)), label, lambda: ready)
    if ranker is not None and is_checkpoint(ranker):
        loaded = load_ranker(ranker)
        id = checkpoint_id(checkpoint_directory(ranker), _FILES)
        return ChosenRanker(id, label_of(loaded, ranker), lambda: loaded)
    run = trained_ranker(tracker, ranker)
    return ChosenRanker(run, class_of(tracker, run), lambda: ranker_of(tracker, run))


def ranker_of(tracker: Tracker, run: str) -> Any:
    """The ranker that a training has kept; raises BadModel where that is damaged."""
    with tempfile.TemporaryDirectory() as folder:
        return load_ranker(tracker.artifact(run, "model", Path(folder)))
