"""Settings of a router that are chosen on validation, and what of the rewards is known."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from workbench.errors import BadValue
from workbench.routing.validation import RouteValidation

Number = TypeVar("Number", int, float)
Learned = TypeVar("Learned")


def several(name: str, given: Number | Sequence[Number]) -> list[Number]:
    """An option that is one positive number or several to choose from, as a list.

    Raises:
        BadValue: none, or one that is not positive.
    """
    values = [given] if isinstance(given, int | float) else list(given)
    if not values or not all(0 < value < float("inf") for value in values):
        raise BadValue(name, given, "a positive number or several")
    return values


def best_setting(
    settings: Sequence[Number],
    learned: Callable[[Number], Learned],
    predict: Callable[[Learned], np.ndarray],
    rewards: np.ndarray,
) -> tuple[Number, Learned]:
    """The setting whose choices have the highest quality on validation, the first among equals.

    Args:
        settings: to choose from; of a single one nothing is predicted.
        learned: what is learned with a setting.
        predict: its utilities [H, L] of the validation prompts.
        rewards: theirs, [H, L].
    """
    if len(settings) == 1:
        return settings[0], learned(settings[0])
    validation = RouteValidation(rewards)
    best: tuple[float, Number, Learned] | None = None
    for setting in settings:
        found = learned(setting)
        quality = validation.metrics(predict(found))["quality"]
        if best is None or quality > best[0]:
            best = quality, setting, found
    assert best is not None
    return best[1], best[2]


def known_together(rewards: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """LLMs whose rewards [Q, L] are known on the same prompts: (rows, columns) of each group.

    What has no way to leave single rewards out is learned group by group: with a whole table of
    rewards that is once for all LLMs.
    """
    masks, group = np.unique(np.isfinite(rewards).T, axis=0, return_inverse=True)
    return [
        (np.flatnonzero(mask), np.flatnonzero(group.ravel() == place))
        for place, mask in enumerate(masks)
    ]


def known_means(rewards: np.ndarray) -> np.ndarray:
    """[L] mean of the known rewards [Q, L] of each LLM, which has one at least."""
    known = np.isfinite(rewards)
    means: np.ndarray = np.where(known, rewards, 0.0).sum(axis=0) / known.sum(axis=0)
    return means


def reward_slope(utilities: np.ndarray, rewards: np.ndarray) -> float:
    """Factor that brings differences of utilities [H, L] to the scale of rewards [H, L].

    Least squares through 0 over what is known, both centred within prompts. At least a hundredth
    of the ratio of their spreads, so that the order stays where utilities tell nothing.
    """
    known = np.isfinite(rewards)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    centred = [np.where(known, values, 0.0) for values in (utilities, rewards)]
    x, y = [
        np.where(known, values - values.sum(axis=1, keepdims=True) / count, 0.0)
        for values in centred
    ]
    squares = float((x * x).sum())
    if squares <= 0 or not (y * y).sum() > 0:
        return 1.0
    return max(float((x * y).sum()) / squares, 0.01 * float(np.sqrt((y * y).sum() / squares)))
