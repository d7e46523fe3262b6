"""A scheme with all its settings, and the one text that names them."""

import inspect
import math
import re
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from workbench.aggregation.order import apply_order, check_order
from workbench.aggregation.schedule import comparisons, schedule_of
from workbench.aggregation.schemes import SCHEMES
from workbench.aggregation.seeds import check_seed
from workbench.errors import BadValue, UnknownName

_CALL = re.compile(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*")
_GRAMMAR = "name(parameter=value, …);order=both|left|random(seed=0);schedule=all|bubble"


@dataclass(frozen=True)
class Scheme:
    """Name, parameters and order mode of an aggregation; the schedule follows from the name.

    Parameters that are not given take the defaults of the scheme's function, and the seed of an
    order mode that draws nothing is 0: equal settings are equal objects and have one text.

    Raises UnknownName and BadValue where it is made, before any work starts.

    >>> str(Scheme.parse("bradley_terry(prior=0.5)"))
    'bradley_terry(prior=0.5, temperature=1.0);order=both;schedule=all'
    >>> str(Scheme.of("max_logits", order="random", order_seed=3))
    'max_logits;order=random(seed=3);schedule=all'
    """

    name: str
    """One of `SCHEMES`."""
    params: tuple[tuple[str, float], ...] = ()
    """Pairs of a parameter's name and value; complete once the object is made."""
    order: str = "both"
    """One of `ORDERS`."""
    order_seed: int = 0
    """Of the order mode `random`; a scheme's own seed is one of its parameters."""

    def __post_init__(self) -> None:
        check_order(self.order)
        drawn = self.order_seed if self.order == "random" else 0
        seed = _typed("seed of the order mode", drawn, int)
        check_seed(int(seed))
        params = _completed(self.name, dict(self.params))
        object.__setattr__(self, "order_seed", int(seed))
        object.__setattr__(self, "params", tuple(params.items()))
        # No prompts, no work: the function itself judges the ranges of its parameters.
        SCHEMES[self.name](np.zeros((0, 0, 0)), np.zeros((0, 0), dtype=bool), **params)

    @classmethod
    def of(
        cls, name: str, *, order: str = "both", order_seed: int = 0, **params: float
    ) -> "Scheme":
        """A scheme with its parameters as keywords."""
        return cls(name, tuple(params.items()), order, order_seed)

    @classmethod
    def parse(cls, text: str) -> "Scheme":
        """The scheme that a text names, canonical or short (`max_logits`, `bubble(seed=1)`).

        Raises:
            UnknownName: unknown scheme, parameter, order mode or field.
            BadValue: broken grammar, a value of the wrong type or out of range, or a schedule
                that is not the scheme's.
        """
        first, *fields = text.split(";")
        name, params = _call(text, first)
        given = dict(_assignment(text, field) for field in fields)
        for field in given:
            if field not in ("order", "schedule"):
                raise UnknownName("field of a scheme", field, ("order", "schedule"))
        order, options = _call(text, given.get("order", "both"))
        check_order(order)
        for option in options:
            if option != "seed" or order != "random":
                raise UnknownName(f"option of the order mode '{order}'", option, _options(order))
        numbers = {key: _number(key, value) for key, value in params.items()}
        seed = _typed("seed of the order mode", _number("seed", options.get("seed", "0")), int)
        schedule = given.get("schedule", schedule_of(name)).strip()
        if schedule != schedule_of(name):
            raise BadValue(f"schedule of {name}", schedule, f"'{schedule_of(name)}'")
        return cls(name, tuple(numbers.items()), order, int(seed))

    def __str__(self) -> str:
        """The canonical text, which `parse` reads back; the store's `scheme`."""
        values = ", ".join(f"{key}={value!r}" for key, value in self.params)
        call = f"{self.name}({values})" if values else self.name
        order = f"random(seed={self.order_seed})" if self.order == "random" else self.order
        return f"{call};order={order};schedule={schedule_of(self.name)}"

    def scores(self, L: np.ndarray, mask: np.ndarray, keys: np.ndarray | None = None) -> np.ndarray:
        """Scores [Q, N] of pair logits [Q, N, N]: higher is better, −inf outside the mask.

        `keys` [Q] (`prompt_keys`) stand for the prompts in random order and bubble: with them
        every prompt has choices of its own, which do not depend on the batch.
        """
        scheme = SCHEMES[self.name]
        seeded = {"keys": keys} if "keys" in inspect.signature(scheme).parameters else {}
        return scheme(
            apply_order(L, self.order, self.order_seed, keys), mask, **dict(self.params), **seeded
        )

    def comparisons(self, mask: np.ndarray) -> np.ndarray:
        """[Q] int: encoder comparisons that this setting needs in each prompt."""
        return comparisons(mask, self.name, self.order)


def _completed(name: str, given: dict[str, float]) -> dict[str, float]:
    """All parameters of a scheme in the order of its signature, typed as their defaults are."""
    signature = inspect.signature(SCHEMES[name])
    defaults = {
        key: parameter.default
        for key, parameter in signature.parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and key != "keys"
    }
    for key in given:
        if key not in defaults:
            raise UnknownName(f"parameter of {name}", key, defaults)
    return {
        key: _typed(f"{key} of {name}", given.get(key, default), type(default))
        for key, default in defaults.items()
    }


def _typed(name: str, value: object, kind: type) -> float:
    if kind is int and isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if kind is float and isinstance(value, Real) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    raise BadValue(name, value, "an integer" if kind is int else "a number")


def _call(text: str, part: str) -> tuple[str, dict[str, str]]:
    match = _CALL.fullmatch(part)
    if match is None:
        raise BadValue("scheme", text, _GRAMMAR)
    listed = match[2] or ""
    arguments = [_assignment(text, item) for item in listed.split(",")] if listed.strip() else []
    if len(dict(arguments)) < len(arguments):
        raise BadValue("scheme", text, "each parameter once")
    return match[1], dict(arguments)


def _assignment(text: str, part: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    if not (equals and key.strip() and value.strip()):
        raise BadValue("scheme", text, _GRAMMAR)
    return key.strip(), value.strip()


def _number(name: str, text: str) -> float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise BadValue(name, text, "a number")


def _options(order: str) -> tuple[str, ...]:
    return ("seed",) if order == "random" else ()
