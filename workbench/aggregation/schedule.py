"""A schedule with all its parameters, and the one text that names it."""

from dataclasses import dataclass, replace

import numpy as np

from workbench.aggregation.calls import call_text, completed, number, parsed_call
from workbench.aggregation.lock_step import Compare, lock_step, stored
from workbench.aggregation.logits import check_logits, check_mask
from workbench.aggregation.played import Played, chunks, joined
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
    def parse(cls, text: str, **usual: float) -> "Schedule":
        """The schedule that a text names, canonical or short (`swiss`, `top_k(k=3)`).

        `usual`: values of parameters that the text leaves open, where the schedule has them.

        Raises:
            UnknownName: unknown schedule or parameter.
            BadValue: broken grammar, a value of the wrong type or out of range.
        """
        name, params = parsed_call("schedule", text, text, _GRAMMAR)
        known = completed(name, SCHEDULES[name], {})
        given = {key: number(key, value) for key, value in params.items()}
        open_ones = {key: value for key, value in usual.items() if key in known}
        return cls(name, tuple((open_ones | given).items()))

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

    def play_stored(
        self,
        L: np.ndarray,
        mask: np.ndarray,
        order: str = "both",
        order_seed: int = 0,
        keys: np.ndarray | None = None,
    ) -> Played:
        """`play` on stored logits [Q, N, N], in chunks of prompts; `logits` is of L's type.

        Raises:
            BadValue: arrays that break the contract.
        """
        check_logits(L, mask)
        keys = keys_or_shared(keys, len(mask))
        parts = []
        for rows in chunks(mask):
            part = self.play(stored(L[rows]), mask[rows], order, order_seed, keys[rows])
            parts.append(replace(part, logits=part.logits.astype(L.dtype)))
        return joined(parts)
