"""Which ranker compares: one trained here, a checkpoint, or one that needs no training."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import BadValue
from workbench.models.content import content
from workbench.models.hub_files import SAFE_FILES, checkpoint_directory
from workbench.ranking.loading import load_ranker
from workbench.ranking.ranker import Ranker
from workbench.stages.identity import settings
from workbench.stages.rankers import trained_ranker
from workbench.tracking import Tracker

# What a checkpoint is, beside which may lie a README, or what a download notes of itself.
_FILES = tuple(f"**/{kind}" for kind in (*SAFE_FILES, "*.txt"))


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
        UnknownName, MissingInput: see `rankers.trained_ranker`.
        BadModel: a checkpoint that cannot be loaded, or a model that has to be trained.
        BadValue: both a ranker and a model.
    """
    if model is not None:
        if ranker is not None:
            raise BadValue("ranker and model", ranker, "one of them")
        ready = model.prepare()
        label = _label(model, getattr(model, "encoder", None))
        return ChosenRanker(_hash(settings(model)), label, lambda: ready)
    if ranker is not None and _is_checkpoint(ranker):
        loaded = load_ranker(ranker)
        files = content(checkpoint_directory(ranker), *_FILES)
        return ChosenRanker(_hash({"checkpoint": files}), _label(loaded, ranker), lambda: loaded)
    run = trained_ranker(tracker, ranker)
    return ChosenRanker(run, _class_of(tracker, run), lambda: _trained(tracker, run))


def _label(ranker: Ranker, origin: object) -> str:
    """Its class and, where it was loaded by a name, the last part of this."""
    kind = type(ranker).__name__
    return f"{kind} {Path(origin).resolve().name or origin}" if isinstance(origin, str) else kind


def _is_checkpoint(name: str) -> bool:
    return "/" in name or name.startswith((".", "~")) or Path(name).is_dir()


def _hash(told: dict[str, Any]) -> str:
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _class_of(tracker: Tracker, run: str) -> str:
    """The class that a training's run names."""
    params = tracker.client.get_run(run).data.params
    return str(params.get("model.class_path", "PairRanker")).rpartition(".")[2]


def _trained(tracker: Tracker, run: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return load_ranker(tracker.artifact(run, "model", Path(folder)))
