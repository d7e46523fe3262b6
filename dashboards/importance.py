"""Which settings of a study matter: Optuna's importance, on a study made again from the store."""

import json
import math
import statistics
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
import pyarrow as pa
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning

LEAST = 20
"""Fewer trials tell nothing."""
_WIDE = 50  # largest / smallest of numbers that were likely drawn on a logarithmic scale
_LISTED = 24  # whole numbers that were likely drawn from a list
_CHOICES = 100  # with more, a setting is a name rather than a choice


def importances(trials: pa.Table, smaller: bool) -> pa.Table:
    """Importance of each setting: how much of the trials' differences a forest lays to it.

    Mean decrease of impurity in a random forest (Breiman 2001), as Optuna computes it. That a
    trial does not have a setting is a choice of its own; of a number, it counts as the median.

    Args:
        trials: value, settings (JSON).
        smaller: the smaller value is the better.

    Returns:
        setting, importance (they sum to 1), trials that have it; the most important first, and no
        row where there are fewer than `LEAST` trials or nothing differs.
    """
    values = trials["value"].to_pylist()
    settings = [_plain(json.loads(text)) for text in trials["settings"].to_pylist()]
    columns = _columns(settings)
    found: dict[str, float] = {}
    if len(values) >= LEAST and columns and len(set(values)) > 1:
        study = _study(columns, values, smaller)
        judge = optuna.importance.MeanDecreaseImpurityImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=judge)
    return pa.table(
        {
            "setting": pa.array(list(found), pa.string()),
            "importance": pa.array([float(share) for share in found.values()], pa.float64()),
            "trials": pa.array([sum(n in own for own in settings) for n in found], pa.int64()),
        }
    )


def _study(
    columns: Mapping[str, tuple[Sequence[Any], BaseDistribution]],
    values: Sequence[float],
    smaller: bool,
) -> optuna.Study:
    """The trials as a study in memory."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: drawn_from for name, (_, drawn_from) in columns.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study = optuna.create_study(direction="minimize" if smaller else "maximize")
    study.add_trials(
        [
            optuna.create_trial(
                params={name: chosen[place] for name, (chosen, _) in columns.items()},
                distributions=distributions,
                value=value,
            )
            for place, value in enumerate(values)
        ]
    )
    return study


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as Optuna takes them: lists and the like by their text."""
    return {
        name: value if isinstance(value, str | int | float | bool | None) else json.dumps(value)
        for name, value in settings.items()
    }


def _columns(
    settings: Sequence[Mapping[str, Any]],
) -> dict[str, tuple[list[Any], BaseDistribution]]:
    """Setting -> its value in each trial, and what these were likely drawn from.

    Settings that are the same in all trials are left out.
    """
    found: dict[str, tuple[list[Any], BaseDistribution]] = {}
    for name in dict.fromkeys(name for own in settings for name in own):
        known = [own[name] for own in settings if name in own]
        drawn_from = _distribution(known)
        fill: Any = None
        if not isinstance(drawn_from, CategoricalDistribution):
            fill = statistics.median_low(known)
        elif len(known) < len(settings):
            drawn_from = _distribution([*known, None])
        chosen = [own.get(name, fill) for own in settings]
        choices = getattr(drawn_from, "choices", ())
        if len(choices) <= _CHOICES and len({(type(v), v) for v in chosen}) > 1:
            found[name] = (chosen, drawn_from)
    return found


def _distribution(values: Sequence[Any]) -> BaseDistribution:
    # 1, 1.0 and True are equal, but told apart by Optuna.
    choices = list({(type(value), value): value for value in values}.values())
    kinds = {type(choice) for choice in choices}
    if kinds <= {int, float} and all(map(math.isfinite, choices)):
        low, high = min(choices), max(choices)
        log = low > 0 and high / low > _WIDE
        if float in kinds:
            return FloatDistribution(low, high, log=log)
        if len(choices) > _LISTED:
            return IntDistribution(low, high, log=log)
    return CategoricalDistribution(choices)
