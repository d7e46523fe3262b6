"""Kemeny orders: exact, by dynamic programming over sets of candidates."""

from dataclasses import dataclass
from functools import cache, reduce
from itertools import combinations

import numpy as np

from workbench.aggregation.logits import check_positive, clean_logits, outside
from workbench.aggregation.preferences import order_free
from workbench.errors import BadValue

# 2**16 sets of 16 candidates, and 16 numbers for each: 8 MB a prompt.
MAX_CANDIDATES = 16
# Gains are whole numbers of 2**-40: their sums are exact, and so are ties between orders.
GRID = 2.0**40
DECIMALS = 9
# Numbers in the largest array; the fastest that fits into the caches of most processors.
CHUNK = 2**21


def kemeny(L: np.ndarray, mask: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """Kemeny: the order of the candidates that disagrees least with the comparisons.

    Each compared pair has `p_ij = σ(D_ij / temperature)` votes for i and `1 − p_ij` for j; the
    order has the most votes on its side (Kemeny, 1959; Young, 1988). Towards temperature 0 it
    is Slater's, which agrees with the most verdicts; with a large one the sum of the margins D
    counts. Held and Karp's programme over the sets of candidates that stand above all others
    finds it (Betzler et al., Theoretical Computer Science 2009).

    Often several orders are as good, above all where pairs were not compared. The score is a
    mean over all of them, so that it does not depend on columns, and that candidates tie that
    can be exchanged.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool; at most `MAX_CANDIDATES` candidates a prompt.
        temperature: what D is divided by before it becomes a probability, > 0.

    Returns:
        [Q, N] float64, mean over the optimal orders of how many candidates stand below minus how
        many above, from −(n − 1) to n − 1; −inf outside the mask.

    Raises:
        BadValue: more candidates than that, or a temperature that is not a finite positive
            number.
    """
    check_positive(temperature=temperature)
    D = order_free(clean_logits(L, mask))
    candidates = mask.sum(axis=1)
    if candidates.max(initial=0) > MAX_CANDIDATES:
        row = int(candidates.argmax())
        found = f"{candidates[row]} candidates in prompt row {row}"
        raise BadValue("kemeny", found, f"at most {MAX_CANDIDATES}: its work doubles with each")
    if mask.size == 0:
        return outside(np.zeros(mask.shape), mask)
    # Half a vote less than p on either side changes no order, and pairs not compared weigh 0.
    with np.errstate(over="ignore"):
        votes = np.rint(np.nan_to_num(np.tanh(D / (2 * temperature))) * GRID).astype(np.int64)
    same, place = _rivals(votes, mask)
    first = mask & (same.argmax(axis=2) == np.arange(mask.shape[1]))
    for n in range(2, MAX_CANDIDATES + 1):
        rows, of = np.nonzero(first & (same.sum(axis=2) == n))
        members = np.argsort(~same[rows, of], axis=1, kind="stable")[:, :n]
        size = max(8, CHUNK // (n << n))
        for part in (slice(start, start + size) for start in range(0, len(rows), size)):
            prompts, rivals = rows[part, None], members[part]
            worth = votes[prompts[:, :, None], rivals[:, :, None], rivals[:, None, :]]
            place[prompts, rivals] += _mean_places(worth)
    scores = np.round(candidates[:, None] - 1 - 2 * place, DECIMALS) + 0.0
    return outside(scores, mask)


def _rivals(votes: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[Q, N, N] bool: in one circle, or the same; [Q, N] float64: how many are above the circle.

    Where each of some candidates beats each of the others, all optimal orders have the former
    above (Truchon, 1998). What is left to order are the strongly connected components of "is
    not beaten by"; of a ranker's logits most have one member.
    """
    width = mask.shape[1]
    real = mask[:, :, None] & mask[:, None, :]
    reaches = real & (votes >= 0)
    steps = 1
    while steps < width - 1:
        paths = reaches.astype(np.float32)
        reaches = np.matmul(paths, paths) > 0
        steps *= 2
    back = reaches.transpose(0, 2, 1)
    return reaches & back, (back & ~reaches).sum(axis=2).astype(np.float64)


@dataclass(frozen=True)
class _Sets:
    """The sets of k of n candidates, as sums of 2**candidate."""

    whole: np.ndarray
    """[C] the sets."""
    last: np.ndarray
    """[C, k] the members: each may stand last of the set."""
    rest: np.ndarray
    """[C, k] the set without this member."""
    step: np.ndarray
    """[C, k] the row of the table of gains: this member comes after the rest."""


@cache
def _sets(n: int) -> list[_Sets]:
    layers = []
    for k in range(1, n + 1):
        last = np.array(list(combinations(range(n), k)))
        whole = (1 << last).sum(axis=1)
        rest = whole[:, None] - (1 << last)
        layers.append(_Sets(whole, last, rest, (last << n) + rest))
    return layers


def _mean_places(above: np.ndarray) -> np.ndarray:
    """[Q, n] mean places, from 0, in the optimal orders; above [Q, n, n]: worth of i above j."""
    queries, n = above.shape[:2]
    gain = _gains(above)
    best = np.zeros((1 << n, queries), dtype=np.int64)
    optimal = []
    for sets in _sets(n):
        steps = zip(sets.rest.T, sets.step.T, strict=True)
        ways = [best[rest] + gain[step] for rest, step in steps]
        value = reduce(np.maximum, ways)
        best[sets.whole] = value
        optimal.append(np.stack([way == value for way in ways]))
    places, several = _one_order(best, gain, n)
    if several.any():
        places[several] = _counted([np.compress(several, steps, axis=2) for steps in optimal])
    return places


def _gains(above: np.ndarray) -> np.ndarray:
    """[n 2**n, Q] what a candidate brings that is put under a set: row candidate · 2**n + set."""
    queries, n = above.shape[:2]
    gain = np.zeros((n, 1 << n, queries), dtype=np.int64)
    worth = np.ascontiguousarray(above.transpose(1, 2, 0))
    for member in range(n):
        half = 1 << member
        np.add(gain[:, :half], worth[member][:, None, :], out=gain[:, half : 2 * half])
    return gain.reshape(n << n, queries)


def _one_order(best: np.ndarray, gain: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """[Q, n] places in one optimal order, and [Q] whether there are others."""
    queries = best.shape[1]
    rows, candidate = np.arange(queries), np.arange(n)
    places = np.zeros((queries, n))
    several = np.zeros(queries, dtype=bool)
    inside = np.ones((queries, n), dtype=bool)
    whole = np.full(queries, (1 << n) - 1)
    for place in range(n - 1, -1, -1):
        rest = whole[:, None] & ~(1 << candidate)
        value = best[rest, rows[:, None]] + gain[(candidate << n) + rest, rows[:, None]]
        optimal = inside & (value == best[whole, rows][:, None])
        several |= optimal.sum(axis=1) > 1
        last = optimal.argmax(axis=1)
        places[rows, last] = place
        inside[rows, last] = False
        whole = rest[rows, last]
    return places, several


def _counted(optimal: list[np.ndarray]) -> np.ndarray:
    """[Q, n] mean places over all optimal orders, by their number through each set and step.

    Forwards: how many optimal orders a set has. Backwards: the share of the optimal orders of
    all candidates in which the set stands on top, divided by its number.

    optimal: of each layer of `_sets` [k, C, Q], whether this member is last in an optimal order.
    """
    n, queries = len(optimal), optimal[0].shape[2]
    orders = np.zeros((1 << n, queries))
    orders[0] = 1.0
    for sets, steps in zip(_sets(n), optimal, strict=True):
        number = np.zeros(steps.shape[1:])
        for rest, step in zip(sets.rest.T, steps, strict=True):
            number += orders[rest] * step
        orders[sets.whole] = number
    share = np.zeros((1 << n, queries))
    share[-1] = 1.0 / orders[-1]
    places = np.zeros((queries, n))
    for place, sets, steps in reversed(list(zip(range(n), _sets(n), optimal, strict=True))):
        for candidate in range(n):
            at, member = np.nonzero(sets.last == candidate)
            rest = sets.rest[at, member]
            through = share[sets.whole[at]] * steps[member, at]
            # Without the candidate no set of these is there twice.
            share[rest] += through
            places[:, candidate] += place * np.einsum("sq,sq->q", through, orders[rest])
    return places
