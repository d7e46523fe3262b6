"""The Optuna study of a sweep or a tuning: one name, one question."""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.exceptions import ExperimentalWarning
from optuna.study import StudyDirection

from workbench.errors import BadValue
from workbench.tracking import study_storage, work_folder

METRICS = ["quality", "comparisons"]
"""The objectives of a sweep: the first to be large, the second, what it costs, to be small."""
DIRECTIONS = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
_KEY, ASKED = "workbench.key", "workbench.config"
"""Attributes of a study: what it is known by, and the settings that this was made of."""


def claimed_study(
    store: Path,
    name: str,
    key: str,
    asked: Mapping[str, Any],
    metrics: Sequence[str] = tuple(METRICS),
) -> optuna.Study:
    """The study of this name, made where there is none.

    Args:
        store: DuckDB file beside which the study lies.
        name: of the study.
        key: of the sweep; trials of another one must not be mixed with its own.
        asked: what the key was made of, for people to read.
        metrics: names of the two objectives.

    Raises:
        BadValue: the study was made by another sweep, or by something else.
    """
    storage = optuna.storages.get_storage(study_storage(store))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Two sweeps that make the same study at once would both think that it is theirs.
    with FileLock(work_folder(store) / "optuna.lock"), quiet_experiments():
        study = optuna.create_study(
            storage=storage, study_name=name, directions=DIRECTIONS, load_if_exists=True
        )
        known = study.user_attrs
        if known.get(_KEY) == key:
            return study
        if _KEY in known:
            told = _differences(known.get(ASKED, {}), json.loads(json.dumps(asked, default=str)))
            raise BadValue("study", name, f"another name: this study has {told}")
        if study.get_trials(deepcopy=False) or study.directions != DIRECTIONS:
            raise BadValue("study", name, "another name: this study was not made by such a sweep")
        study.set_metric_names(list(metrics))
        study.set_user_attr(ASKED, dict(asked))
        # Last, because it says that the study is whole.
        study.set_user_attr(_KEY, key)
    return study


@contextmanager
def quiet_experiments() -> Iterator[None]:
    """Without Optuna's notes on features that may still change: metric names, grouped TPE."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    return ", ".join(f"{name} {then.get(name)!r}, not {now.get(name)!r}" for name in names)
