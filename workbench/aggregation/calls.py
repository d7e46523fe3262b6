"""Texts of the form `name(parameter=value, …)` against the signature of the function named."""

import inspect
import math
import re
from collections.abc import Callable, Mapping
from numbers import Integral, Real

from workbench.errors import BadValue, UnknownName

_CALL = re.compile(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*")


def parsed_call(kind: str, text: str, part: str, grammar: str) -> tuple[str, dict[str, str]]:
    """Name and arguments of `part` of a text; what kind it is and its grammar are for errors.

    Raises:
        BadValue: broken grammar, or a parameter given twice.
    """
    match = _CALL.fullmatch(part)
    if match is None:
        raise BadValue(kind, text, grammar)
    listed = match[2] or ""
    items = listed.split(",") if listed.strip() else []
    arguments = [parsed_assignment(kind, text, item, grammar) for item in items]
    if len(dict(arguments)) < len(arguments):
        raise BadValue(kind, text, "each parameter once")
    return match[1], dict(arguments)


def parsed_assignment(kind: str, text: str, part: str, grammar: str) -> tuple[str, str]:
    """The two sides of `key=value`; raises BadValue where there are none."""
    key, equals, value = part.partition("=")
    if not (equals and key.strip() and value.strip()):
        raise BadValue(kind, text, grammar)
    return key.strip(), value.strip()


def number(name: str, text: str) -> float:
    """The integer or float that a text spells; raises BadValue where it spells none."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise BadValue(name, text, "a number")


def completed(
    name: str, function: Callable[..., object], given: Mapping[str, float]
) -> dict[str, float]:
    """All parameters of a function in the order of its signature, typed as their defaults are.

    Parameters are its keyword-only arguments except `keys`.

    Raises:
        UnknownName: one that the function does not have.
        BadValue: one of another type.
    """
    defaults = {
        key: parameter.default
        for key, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and key != "keys"
    }
    for key in given:
        if key not in defaults:
            raise UnknownName(f"parameter of {name}", key, defaults)
    return {
        key: typed(f"{key} of {name}", given.get(key, default), type(default))
        for key, default in defaults.items()
    }


def typed(name: str, value: object, kind: type) -> float:
    """The value as a plain int or float; raises BadValue for anything else."""
    if kind is int and isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if kind is float and isinstance(value, Real) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    raise BadValue(name, value, "an integer" if kind is int else "a number")


def call_text(name: str, params: Mapping[str, float]) -> str:
    """`name(parameter=value, …)`, which `parsed_call` reads back; the bare name without any."""
    values = ", ".join(f"{key}={value!r}" for key, value in params.items())
    return f"{name}({values})" if values else name
