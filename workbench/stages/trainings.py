"""Which training a stage means: the run id of one, or the beginning of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import BadValue, MissingInput
from workbench.tracking import Tracker

_KIND, _CLASS = "kind", "model.class_path"
_OF_FUSERS = "workbench.fusion."  # of a training that does not tell its kind: where its class is


def trained_ranker(tracker: Tracker, ranker: str | None) -> str:
    """Run id of a trained ranker; None means the only one that there is.

    Raises:
        UnknownName, AmbiguousName: no training, or more than one, has an id that begins so.
        MissingInput: None, and there is no training of a ranker or more than one.
        BadValue: the training is one of a fuser.
    """
    return _training(tracker, "ranker", ranker)


def trained_fuser(tracker: Tracker, fuser: str | None) -> str:
    """Run id of a trained fuser; as `trained_ranker`."""
    return _training(tracker, "fuser", fuser)


def trained_router(tracker: Tracker, router: str | None) -> str:
    """Run id of a trained router; as `trained_ranker`."""
    return _training(tracker, "router", router)


def class_of(tracker: Tracker, run: str) -> str:
    """The class that a training's run names, without its module."""
    return _class_path(tracker.client.get_run(run)).rpartition(".")[2]


def _training(tracker: Tracker, kind: str, given: str | None) -> str:
    if not given:
        of_kind = [run for run in tracker.runs_of("train") if _kind(run) == kind]
        found = {run.info.run_id: _class_path(run).rpartition(".")[2] for run in of_kind}
        return the_only(found, f"trained {kind}", "workbench train", f"--{kind}")
    run = tracker.resolve(given, "train")
    if (other := _kind(tracker.client.get_run(run))) != kind:
        raise BadValue(kind, given, f"a training of a {kind}; this is one of a {other}")
    return run


def the_only(found: Sequence[str] | Mapping[str, str], what: str, verb: str, option: str) -> str:
    """The one thing found; raises MissingInput where there is none or more than one.

    Args:
        found: names; or names with what they are, for the message.
        what: they are.
        verb: makes one.
        option: chooses one.
    """
    if not found:
        raise MissingInput(f"no {what} yet: run `{verb}` first")
    if len(found) > 1:
        told = found.items() if isinstance(found, Mapping) else ((name, "") for name in found)
        names = ", ".join(f"{name} ({kind})" if kind else name for name, kind in told)
        raise MissingInput(f"more than one {what}: choose with {option}: {names}")
    return next(iter(found))


def _kind(run: Any) -> str:
    by_class = "fuser" if _class_path(run).startswith(_OF_FUSERS) else "ranker"
    return str(run.data.params.get(_KIND, by_class))


def _class_path(run: Any) -> str:
    return str(run.data.params.get(_CLASS, "PairRanker"))
