"""A scheme with all its settings, and the one text that names them."""

import inspect
from dataclasses import dataclass

import numpy as np

from workbench.aggregation.calls import (
    call_text,
    completed,
    number,
    parsed_assignment,
    parsed_call,
    typed,
)
from workbench.aggregation.lock_step import Compare
from workbench.aggregation.order import check_order
from workbench.aggregation.played import Played, check_complete, chunks
from workbench.aggregation.schedule import Schedule
from workbench.aggregation.schedules import OUTCOMES
from workbench.aggregation.schemes import SCHEMES
from workbench.aggregation.seeds import check_seed
from workbench.errors import BadValue, UnknownName

_GRAMMAR = (
    "name(parameter=value, …);order=both|left|random(seed=0);schedule=name(parameter=value, …)"
)
_ALL = Schedule("all")


@dataclass(frozen=True)
class Ranked:
    """Candidates of Q prompts in order, and what it took.

    Attributes:
        scores: [Q, N] float64, higher is better, −inf outside the mask.
        comparisons: [Q] int64 ordered presentations that were compared.
        complete: [Q] bool; False: a pair that the schedule needed could not be had, and the
            scores rest on the others.
        logits: [Q, N, N] what was compared, NaN elsewhere.
    """

    scores: np.ndarray
    comparisons: np.ndarray
    complete: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class Scheme:
    """Name, parameters, order mode and schedule of an aggregation.

    Parameters that are not given take the defaults of the scheme's function, and the seed of an
    order mode that draws nothing is 0: equal settings are equal objects and have one text. A
    scheme that is the outcome of a schedule (`OUTCOMES`) always goes with that schedule.

    Raises UnknownName and BadValue where it is made, before any work starts.

    >>> str(Scheme.parse("bradley_terry(prior=0.5)"))
    'bradley_terry(prior=0.5, temperature=1.0);order=both;schedule=all'
    >>> str(Scheme.of("max_logits", order="random", order_seed=3, schedule="knockout"))
    'max_logits;order=random(seed=3);schedule=knockout(seed=0)'
    """

    name: str
    """One of `SCHEMES`."""
    params: tuple[tuple[str, float], ...] = ()
    """Pairs of a parameter's name and value; complete once the object is made."""
    order: str = "both"
    """One of `ORDERS`."""
    order_seed: int = 0
    """Of the order mode `random`; a scheme's own seed is one of its parameters."""
    schedule: Schedule = _ALL
    """Which pairs are compared; of a scheme that is a schedule's outcome always that one."""

    def __post_init__(self) -> None:
        check_order(self.order)
        drawn = self.order_seed if self.order == "random" else 0
        seed = typed("seed of the order mode", drawn, int)
        check_seed(int(seed))
        params = completed(self.name, SCHEMES[self.name], dict(self.params))
        object.__setattr__(self, "order_seed", int(seed))
        object.__setattr__(self, "params", tuple(params.items()))
        if self.name in OUTCOMES:
            object.__setattr__(self, "schedule", Schedule(self.name, self.params))
        # No prompts, no work: the function itself judges the ranges of its parameters.
        SCHEMES[self.name](np.zeros((0, 0, 0)), np.zeros((0, 0), dtype=bool), **params)

    @classmethod
    def of(
        cls,
        name: str,
        *,
        order: str = "both",
        order_seed: int = 0,
        schedule: str | None = None,
        **params: float,
    ) -> "Scheme":
        """A scheme with its parameters as keywords, and its schedule as text."""
        played = _schedule(name, schedule)
        return cls(name, tuple(params.items()), order, order_seed, played)

    @classmethod
    def parse(cls, text: str) -> "Scheme":
        """The scheme that a text names, canonical or short (`max_logits`, `bubble(seed=1)`).

        Raises:
            UnknownName: unknown scheme, schedule, parameter, order mode or field.
            BadValue: broken grammar, a value of the wrong type or out of range, or a schedule
                other than the one whose outcome the scheme is.
        """
        first, *fields = text.split(";")
        name, params = parsed_call("scheme", text, first, _GRAMMAR)
        SCHEMES[name]
        given = dict(parsed_assignment("scheme", text, field, _GRAMMAR) for field in fields)
        if len(given) < len(fields):
            raise BadValue("scheme", text, "each field once")
        for field in given:
            if field not in ("order", "schedule"):
                raise UnknownName("field of a scheme", field, ("order", "schedule"))
        order, options = parsed_call("scheme", text, given.get("order", "both"), _GRAMMAR)
        check_order(order)
        for option in options:
            if option != "seed" or order != "random":
                known = ("seed",) if order == "random" else ()
                raise UnknownName(f"option of the order mode '{order}'", option, known)
        numbers = tuple((key, number(key, value)) for key, value in params.items())
        seed = typed("seed of the order mode", number("seed", options.get("seed", "0")), int)
        return cls(name, numbers, order, int(seed), _schedule(name, given.get("schedule")))

    def __str__(self) -> str:
        """The canonical text, which `parse` reads back; the store's `scheme`."""
        order = f"random(seed={self.order_seed})" if self.order == "random" else self.order
        schedule = self.name if self.name in OUTCOMES else str(self.schedule)
        return f"{call_text(self.name, dict(self.params))};order={order};schedule={schedule}"

    def rank(self, compare: Compare, mask: np.ndarray, keys: np.ndarray | None = None) -> Ranked:
        """Has pairs compared, as the schedule chooses them, and ranks by what comes out.

        All prompts go in lock-step: every round of the schedule is one call of `compare`. No
        result of a prompt depends on which others there are.

        Args:
            compare: a live ranker or `stored(L)`, see `lock_step`.
            mask: [Q, N] bool.
            keys: [Q] integers (`prompt_keys`) that stand for the prompts in random choices: with
                them every prompt has choices of its own, without them all share theirs.

        Raises:
            BadValue: arrays or logits that break the contract.
        """
        return self.of_played(self.play(compare, mask, keys), mask, keys)

    def play(self, compare: Compare, mask: np.ndarray, keys: np.ndarray | None = None) -> Played:
        """The schedule's part of `rank`: alike for all schemes with its order and schedule."""
        return self.schedule.play(compare, mask, self.order, self.order_seed, keys)

    def play_stored(
        self, L: np.ndarray, mask: np.ndarray, keys: np.ndarray | None = None
    ) -> Played:
        """`play` on stored logits [Q, N, N], in chunks of prompts.

        Raises:
            BadValue: arrays that break the contract.
        """
        return self.schedule.play_stored(L, mask, self.order, self.order_seed, keys)

    def of_played(self, played: Played, mask: np.ndarray, keys: np.ndarray | None = None) -> Ranked:
        """The scheme's part of `rank`: scores of what the schedule had compared, in chunks."""
        scores = played.outcome if self.name in OUTCOMES else None
        if scores is None:
            scheme = SCHEMES[self.name]
            seeded = keys is not None and "keys" in inspect.signature(scheme).parameters
            parts = []
            for rows in chunks(mask):
                own = {"keys": keys[rows]} if seeded and keys is not None else {}
                parts.append(scheme(played.logits[rows], mask[rows], **dict(self.params), **own))
            scores = np.concatenate(parts)
        return Ranked(scores, played.comparisons, played.complete, played.logits)

    def rank_stored(
        self, L: np.ndarray, mask: np.ndarray, keys: np.ndarray | None = None
    ) -> Ranked:
        """`rank` on stored logits [Q, N, N], in chunks of prompts; `logits` is of L's type.

        Raises:
            BadValue: arrays that break the contract.
        """
        return self.of_played(self.play_stored(L, mask, keys), mask, keys)

    def scores(self, L: np.ndarray, mask: np.ndarray, keys: np.ndarray | None = None) -> np.ndarray:
        """Scores [Q, N] of pair logits [Q, N, N]: higher is better, −inf outside the mask.

        Under the schedule `all` pairs that were not compared are left to the scheme; any other
        schedule needs the pairs that it asks for. `keys` as in `rank`.

        Raises:
            BadValue: arrays that break the contract, or a pair that the schedule needs and that
                was not compared.
        """
        played = self.play_stored(L, mask, keys)
        if self.schedule.name != "all":
            check_complete(played, str(self))
        return self.of_played(played, mask, keys).scores


def _schedule(name: str, text: str | None) -> Schedule:
    """The schedule that goes with a scheme; None: the usual one."""
    if name not in OUTCOMES:
        return Schedule.parse(text or "all")
    if text is not None and text.strip() != name:
        raise BadValue(f"schedule of {name}", text.strip(), f"'{name}'")
    return Schedule(name)  # with the scheme's own parameters once these are known
