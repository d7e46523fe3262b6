"""A schedule with all its parameters, and the one text that names it."""

from dataclasses import dataclass

import numpy as np

from workbench.aggregation.calls import call_text, completed, number, parsed_call
from workbench.aggregation.lock_step import Compare, Played, lock_step, stored
from workbench.aggregation.logits import check_mask
from workbench.aggregation.schedules import SCHEDULES
from workbench.aggregation.seeds import keys_or_shared

_GRAMMAR = "name(parameter=value, …)"


@dataclass(frozen=True)
class Schedule:
    """Which pairs are compared: name and parameters, the latter complete once it is made.

    Raises UnknownName and BadValue where it is made, before any work starts.

    >>> str(Schedule.parse("knockout"))
    'knockout(seed=0)'
    """

    name: str = "all"
    """One of `SCHEDULES`."""
    params: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        params = completed(self.name, SCHEDULES[self.name], dict(self.params))
        object.__setattr__(self, "params", tuple(params.items()))
        # No prompts, no work: the schedule itself judges the ranges of its parameters.
        self.play(stored(np.zeros((0, 0, 0))), np.zeros((0, 0), dtype=bool))

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """The schedule that a text names, canonical or short (`swiss`, `top_k(k=3)`).

        Raises:
            UnknownName: unknown schedule or parameter.
            BadValue: broken grammar, a value of the wrong type or out of range.
        """
        name, params = parsed_call("schedule", text, text, _GRAMMAR)
        SCHEDULES[name]
        return cls(name, tuple((key, number(key, value)) for key, value in params.items()))

    def __str__(self) -> str:
        """The canonical text, which `parse` reads back."""
        return call_text(self.name, dict(self.params))

    def play(
        self,
        compare: Compare,
        mask: np.ndarray,
        order: str = "both",
        order_seed: int = 0,
        keys: np.ndarray | None = None,
    ) -> Played:
        """Has the pairs compared that this schedule chooses, see `lock_step`.

        Raises:
            BadValue: a mask that is not a bool array [Q, N], or what `lock_step` refuses.
        """
        check_mask(mask)
        keys = keys_or_shared(keys, len(mask))
        rounds = SCHEDULES[self.name](mask, keys, **dict(self.params))
        return lock_step(rounds, compare, mask, order, order_seed, keys)
