"""Which router routes: one trained here, or one that was saved."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbench.models.hub_files import SAFE_FILES, checkpoint_directory
from workbench.routing.loading import load_router
from workbench.routing.router import Router
from workbench.stages.checkpoints import checkpoint_id, is_checkpoint, label_of
from workbench.stages.trainings import class_of, trained_router
from workbench.tracking import Tracker

_FILES = (*SAFE_FILES, "*.txt")


@dataclass(frozen=True)
class ChosenRouter:
    """A router that is known to the store.

    Attributes:
        id: run id of its training, or, where it was not trained here, a hash (32 hex digits) of
            its files.
        label: its class, for people, and the name that it was loaded by.
        load: gives it, ready to route; the second time the same one.
    """

    id: str
    label: str
    load: Callable[[], Router]


def chosen_router(tracker: Tracker, router: str | None) -> ChosenRouter:
    """The router that a training or a saved one stands for.

    Args:
        tracker: knows the trainings.
        router: run id of a training, or its beginning; or a directory or hub id (it holds a
            slash). None means the only training of a router.

    Raises:
        UnknownName, MissingInput, BadValue: see `trainings.trained_router`.
        BadModel: one that cannot be loaded.
    """
    if router is not None and is_checkpoint(router):
        loaded = load_router(router)
        id = checkpoint_id(checkpoint_directory(router), _FILES)
        return ChosenRouter(id, label_of(loaded, router), lambda: loaded)
    run = trained_router(tracker, router)
    return ChosenRouter(run, class_of(tracker, run), cache(lambda: router_of(tracker, run)))


def router_of(tracker: Tracker, run: str) -> Router:
    """The router that a training has kept; raises BadModel where that is damaged."""
    with tempfile.TemporaryDirectory() as folder:
        return load_router(tracker.artifact(run, "model", Path(folder)))
