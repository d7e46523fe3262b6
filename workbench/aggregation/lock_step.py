"""Lock-step: a schedule's rounds over many prompts, each round one batch of comparisons.

A schedule is a generator over the arrays of all prompts. It yields a `Round` of pairs, is sent
their verdicts [P] (the order-free preference `D`: > 0, the first of the pair wins; NaN, it could
not be had) and returns at its end the scores [Q, N] that its own outcome gives, or None where it
has no order of its own. It must end whatever the verdicts are.
"""

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias

import numpy as np

from workbench.aggregation.order import check_order, earlier_left
from workbench.aggregation.played import Played
from workbench.aggregation.seeds import keys_or_shared
from workbench.errors import BadValue

Compare: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(prompt [P], left [P], right [P]) -> logits [P], left minus right; NaN: it cannot be had."""


class Round(NamedTuple):
    """Pairs that may be compared at the same time; no pair twice, in either direction."""

    prompt: np.ndarray
    """[P] int rows."""
    i: np.ndarray
    """[P] int columns."""
    j: np.ndarray
    """[P] int columns, none equal to `i`."""


Rounds: TypeAlias = Generator[Round, np.ndarray, np.ndarray | None]


def stored(L: np.ndarray) -> Compare:
    """A comparison that looks up logits [Q, N, N], NaN where not compared."""
    return lambda prompt, left, right: L[prompt, left, right]


def lock_step(
    rounds: Rounds,
    compare: Compare,
    mask: np.ndarray,
    order: str = "both",
    order_seed: int = 0,
    keys: np.ndarray | None = None,
) -> Played:
    """Plays a schedule: each round is one call of `compare`, no presentation is asked for twice.

    The order mode says which presentations of a pair are compared: `both`; `left`, the earlier
    column on the left; `random`, one by a seeded coin (that of `apply_order`), or the other one
    where this cannot be had. One presentation is enough for a verdict. A prompt of which a pair
    cannot be had is left out of all later rounds.

    Args:
        rounds: a schedule that has just been made.
        compare: gives finite logits, or NaN for what it does not have.
        mask: [Q, N] bool.
        order: one of `ORDERS`.
        order_seed: of the coins.
        keys: [Q] integers that stand for the prompts, see `apply_order`.

    Raises:
        UnknownName: no such order mode.
        BadValue: a logit that is infinite, or not as many as were asked for.
    """
    check_order(order)
    queries, width = mask.shape
    keys = keys_or_shared(keys, queries)
    logits = np.full((queries, width, width), np.nan)
    asked = np.zeros((queries, width, width), dtype=bool)
    complete = np.ones(queries, dtype=bool)
    missing: tuple[int, int, int] | None = None
    try:
        wanted = next(rounds)
        while True:
            prompt, i, j = (part[complete[wanted.prompt]] for part in wanted)
            first, second = _presentations(prompt, i, j, order, order_seed, keys)
            _ask(compare, first, logits, asked)
            if second is not None:
                lost = np.isnan(logits[first])
                _ask(compare, tuple(part[lost] for part in second), logits, asked)
            verdicts = _verdicts(logits, wanted)
            lost = np.isnan(verdicts)
            if missing is None and lost.any():
                at = np.flatnonzero(lost)[0]
                missing = int(wanted.prompt[at]), int(wanted.i[at]), int(wanted.j[at])
            complete[wanted.prompt[lost]] = False
            wanted = rounds.send(verdicts)
    except StopIteration as end:
        outcome = end.value
    compared = np.count_nonzero(~np.isnan(logits), axis=(1, 2))
    return Played(logits, compared, complete, outcome, missing)


_Places: TypeAlias = tuple[np.ndarray, ...]


def _presentations(
    prompt: np.ndarray, i: np.ndarray, j: np.ndarray, order: str, seed: int, keys: np.ndarray
) -> tuple[_Places, _Places | None]:
    """Places of the presentations that the order mode uses, and those that may stand in."""
    if order == "both":
        twice = (np.concatenate([prompt, prompt]), np.concatenate([i, j]), np.concatenate([j, i]))
        return twice, None
    low, high = np.minimum(i, j), np.maximum(i, j)
    if order == "left":
        return (prompt, low, high), None
    heads = earlier_left(seed, keys[prompt], low, high)
    left, right = np.where(heads, low, high), np.where(heads, high, low)
    return (prompt, left, right), (prompt, right, left)


def _ask(compare: Compare, places: _Places, logits: np.ndarray, asked: np.ndarray) -> None:
    """Enters the logits of the places that were not asked for before, by one call or none."""
    fresh = ~asked[places]
    prompt, left, right = places = tuple(part[fresh] for part in places)
    if not len(prompt):
        return
    found = np.asarray(compare(prompt, left, right), dtype=np.float64)
    if found.shape != prompt.shape:
        raise BadValue("shape of the logits of a round", found.shape, f"{prompt.shape}")
    infinite = np.flatnonzero(np.isinf(found))
    if len(infinite):
        at = infinite[0]
        name = f"logit[{prompt[at]}, {left[at]}, {right[at]}]"
        raise BadValue(name, float(found[at]), "finite")
    logits[places] = found
    asked[places] = True


def _verdicts(logits: np.ndarray, pairs: Round) -> np.ndarray:
    """[P] D of pairs, from the presentations that there are; NaN where there is none."""
    forward = logits[pairs.prompt, pairs.i, pairs.j]
    backward = -logits[pairs.prompt, pairs.j, pairs.i]
    both = 0.5 * (forward + backward)
    return np.where(np.isnan(forward), backward, np.where(np.isnan(backward), forward, both))
