"""Policies: from the utilities of a router to the LLM that is asked.

A router says what each LLM's answer would be worth; what to do with that, and what a call may
cost, is decided apart from it and can be changed without training anything.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.aggregation.calls import number, typed
from workbench.errors import BadValue, UnknownName
from workbench.routing.decisions import DECISIONS, threshold_for, utility_gap
from workbench.routing.policy_text import parsed_policy, policy_text


@dataclass(frozen=True)
class Policy:
    """Name and parameters of a way to choose.

    - `argmax`: the LLM of the highest utility.
    - `cost_aware(lambda=0.1)`: of the highest `utility − λ · cost`.
    - `threshold(strong=A, weak=B, share=0.3)`: A where its utility exceeds B's by more than a
      threshold, else B. `calibrated` sets the threshold `at` so that the share goes to A.
    - `abstain(default=A, margin=0.05)`: A where the best two utilities are nearer than the margin.

    Equal settings are equal objects and have one text. Raises UnknownName and BadValue where it is
    made, before any work starts.

    >>> str(Policy.parse("cost_aware( lambda = 1 )"))
    'cost_aware(lambda=1.0)'
    >>> str(Policy.of("threshold", strong="org/a-7b", weak="b, small", share=0.3))
    'threshold(strong=org/a-7b, weak="b, small", share=0.3)'
    """

    name: str = "argmax"
    """One of `DECISIONS`."""
    params: tuple[tuple[str, str | float], ...] = ()
    """Pairs of a parameter's name and value; complete once the object is made, but for what is
    not set, such as a threshold before calibration."""

    def __post_init__(self) -> None:
        params = _completed(self.name, dict(self.params))
        object.__setattr__(self, "params", tuple(params.items()))
        # No prompts, no work: the function itself judges the ranges of its parameters.
        DECISIONS[self.name](np.zeros((0, 0)), None, (), **_arguments(params))

    @classmethod
    def of(cls, name: str, **params: Any) -> "Policy":
        """A policy with its parameters as keywords (`lambda` in a dict, `**{"lambda": 0.1}`)."""
        return cls(name, tuple(params.items()))

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """The policy that a text names, canonical or short (`cost_aware`).

        Raises:
            UnknownName: unknown policy or parameter.
            BadValue: broken grammar, a missing parameter, a value of the wrong type or range.
        """
        name, given = parsed_policy(text)
        kinds, params = _parameters(name), dict[str, Any](given)
        for key in kinds.keys() & given.keys():
            if kinds[key].annotation is not str:
                params[key] = number(f"{key} of {name}", given[key])
        return cls(name, tuple(params.items()))

    def __str__(self) -> str:
        """The canonical text, which `parse` reads back."""
        return policy_text(self.name, dict(self.params))

    @property
    def needs_costs(self) -> bool:
        """Does the choice depend on what the LLMs cost?"""
        return self.name == "cost_aware" and dict(self.params)["lambda"] != 0

    @property
    def needs_calibration(self) -> bool:
        """Is its threshold still to be set by `calibrated`?"""
        return self.name == "threshold" and "at" not in dict(self.params)

    def check(self, llms: Sequence[str]) -> None:
        """Raises UnknownName for a named LLM that is not among those of the router."""
        kinds = _parameters(self.name)
        for key, value in self.params:
            if kinds[key].annotation is str and value not in llms:
                raise UnknownName(f"{key} LLM of {self.name}", str(value), llms)

    def scores(
        self, utilities: np.ndarray, costs: np.ndarray | None, llms: Sequence[str]
    ) -> np.ndarray:
        """Scores [Q, L] whose argmax is the choice; an LLM that cannot be asked has −inf.

        Behind the choice the others stand in the order of their utilities (less their costs), so
        that `top_m` and a pool without the choice work. Of equal scores the first LLM is chosen.

        Args:
            utilities: [Q, L], higher is better; −inf: not to be asked for this prompt.
            costs: [Q, L] or [L], NaN where unknown; only `cost_aware` reads them.
            llms: names of the columns.

        Raises:
            BadValue: shapes that differ, a utility that is NaN or inf, an unknown cost that
                matters, a threshold that is not calibrated.
            UnknownName: the policy names an LLM that is not there.
        """
        given, names = _checked(utilities, llms), list(llms)
        self.check(names)
        if costs is not None:
            if costs.shape not in (given.shape, given.shape[1:]):
                raise BadValue("shape of the costs", costs.shape, f"[Q, L] = {given.shape} or [L]")
            costs = np.broadcast_to(costs, given.shape)
        found = DECISIONS[self.name](given, costs, names, **_arguments(dict(self.params)))
        return found.copy() if found is utilities else found

    def calibrated(self, utilities: np.ndarray, llms: Sequence[str]) -> "Policy":
        """The policy with its threshold set on given utilities [Q, L], such as of validation.

        At most the wished share of these prompts goes to the strong LLM: as many as can where
        utilities tie. A policy without a threshold, or with one that is set, stays as it is.

        Raises:
            BadValue: shapes that differ, or no prompt for which both LLMs can be asked.
            UnknownName: the policy names an LLM that is not there.
        """
        given, names = _checked(utilities, llms), list(llms)
        self.check(names)
        if not self.needs_calibration:
            return self
        params = dict(self.params)
        places = [names.index(str(params[key])) for key in ("strong", "weak")]
        differences = utility_gap(given, *places)
        known = differences[np.isfinite(differences)]
        if not len(known):
            raise BadValue("utilities to calibrate on", 0, "at least one prompt with both LLMs")
        at = threshold_for(known, float(params["share"]))
        return replace(self, params=(*self.params, ("at", at)))


def choices(scores: np.ndarray) -> np.ndarray:
    """[Q] place of the LLM chosen by scores [Q, L], of equal ones the first; −1: nobody can be."""
    return np.where(np.isneginf(scores).all(axis=1), -1, scores.argmax(axis=1))


def top_m(scores: np.ndarray, m: int) -> np.ndarray:
    """[Q, L] bool: the m best by scores [Q, L], of equal ones the first; never one with −inf.

    Raises:
        BadValue: m that is not positive.
    """
    if m < 1:
        raise BadValue("m", m, "a positive number of LLMs")
    order = np.argsort(-scores, axis=1, kind="stable")[:, :m]
    best = np.zeros(scores.shape, np.bool_)
    np.put_along_axis(best, order, True, axis=1)
    return best & ~np.isneginf(scores)


def mean_costs(costs: np.ndarray) -> np.ndarray:
    """[L] mean of the known costs [Q, L] of each LLM, NaN where none is.

    What can be known of a call before it is made: of its tokens only the average.
    """
    known = np.isfinite(costs)
    count = known.sum(axis=0)
    total = np.where(known, costs, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _checked(utilities: np.ndarray, llms: Sequence[str]) -> np.ndarray:
    if utilities.ndim != 2 or utilities.shape[1] != len(llms) or not llms:
        raise BadValue("shape of the utilities", utilities.shape, f"[Q, {len(llms)}], as LLMs")
    wrong = np.isnan(utilities) | np.isposinf(utilities)
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        name = f"utility[{row}] of {llms[column]}"
        raise BadValue(name, float(utilities[row, column]), "a number, or -inf for one not to ask")
    return utilities


def _parameters(name: str) -> dict[str, inspect.Parameter]:
    """The parameters of a policy by the names that they have in its text."""
    return {
        key.rstrip("_"): parameter
        for key, parameter in inspect.signature(DECISIONS[name]).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }


def _arguments(params: dict[str, str | float]) -> dict[str, str | float]:
    return {"lambda_" if key == "lambda" else key: value for key, value in params.items()}


def _completed(name: str, given: dict[str, Any]) -> dict[str, str | float]:
    """The parameters in the order of the signature, typed; those of default None may be absent.

    Raises:
        UnknownName: one that the policy does not have.
        BadValue: one that is missing or of another type.
    """
    kinds = _parameters(name)
    for key in given:
        if key not in kinds:
            raise UnknownName(f"parameter of {name}", key, kinds)
    found = dict[str, str | float]()
    for key, parameter in kinds.items():
        value = given.get(key, parameter.default)
        if parameter.annotation is str:
            if not isinstance(value, str) or not value:
                missing = None if value is parameter.empty else value
                raise BadValue(f"{key} of {name}", missing, "the name of an LLM")
            found[key] = value
        elif value is not None:
            found[key] = typed(f"{key} of {name}", value, float)
    return found
