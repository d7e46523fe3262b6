"""Schemes that are the outcome of a schedule itself, such as bubble's winner."""

import inspect
from collections.abc import Callable

import numpy as np

from workbench.aggregation.calls import call_text
from workbench.aggregation.played import check_complete
from workbench.aggregation.schedule import Schedule
from workbench.aggregation.schedules import SCHEDULES


def outcome_of(name: str) -> Callable[..., np.ndarray]:
    """The scheme `(L, mask, *, parameters of the schedule, keys=None) -> scores [Q, N]`.

    It plays the schedule on stored logits, of each pair with the presentations that there are,
    and raises BadValue where a pair that the schedule needs was compared in neither order.
    """

    def scheme(
        L: np.ndarray, mask: np.ndarray, *, keys: np.ndarray | None = None, **params: float
    ) -> np.ndarray:
        played = Schedule(name, tuple(params.items())).play_stored(L, mask, keys=keys)
        check_complete(played, call_text(name, params))
        if played.outcome is None:
            raise ValueError(f"the schedule {name} has no order of its own")
        return played.outcome

    own = inspect.signature(SCHEDULES[name]).parameters.values()
    params = [p for p in own if p.kind is p.KEYWORD_ONLY]
    first, second, keys, _ = inspect.signature(scheme).parameters.values()
    scheme.__name__ = name
    scheme.__doc__ = SCHEDULES[name].__doc__
    scheme.__signature__ = inspect.Signature([first, second, *params, keys])  # type: ignore[attr-defined]
    return scheme
