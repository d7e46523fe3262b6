"""Swiss: in each round neighbours by score who have not met."""

import numpy as np

from workbench.aggregation.lock_step import Round, Rounds
from workbench.aggregation.seeds import check_seed, shuffled
from workbench.errors import BadValue


def swiss(mask: np.ndarray, keys: np.ndarray, *, rounds: int = 4, seed: int = 0) -> Rounds:
    """Swiss: ⌊n / 2⌋ pairs a round; it has no order of its own, a scheme makes one.

    The first round is drawn by a seeded permutation. Then all stand in order of their points (1
    a win, ½ a tie), among equal points of the sum of their D; from the top down each meets the
    next one whom it has not met. Of an odd number the last of those with the fewest byes has a
    bye, for ½ point. Who finds no one left to meet sits out.

    Args:
        mask: [Q, N] bool.
        keys: [Q] uint64 that stand for the prompts.
        rounds: how many, ≥ 1; a prompt ends earlier where all have met.
        seed: of the permutation, see `shuffled`.

    Raises:
        BadValue: fewer than one round, or a seed that cannot be used.
    """
    check_seed(seed)
    if rounds < 1:
        raise BadValue("rounds of swiss", rounds, "an integer ≥ 1")
    queries, width = mask.shape
    turn = np.argsort(shuffled(mask, seed, keys), axis=1)
    points, margin, byes = (np.zeros(mask.shape) for _ in range(3))
    met = np.zeros((queries, width, width), dtype=bool)
    odd = mask.sum(axis=1) % 2 == 1
    for _ in range(min(rounds, width)):
        table = np.lexsort((turn, -margin, -points, ~mask), axis=1)
        waiting = np.take_along_axis(mask, table, axis=1)
        resting = np.flatnonzero(odd)
        bye = table[resting, _last_of_fewest(byes, table, waiting)[resting]]
        waiting[resting] &= table[resting] != bye[:, None]
        points[resting, bye] += 0.5
        byes[resting, bye] += 1
        prompt, i, j = pairs = _neighbours(table, waiting, met)
        if not len(prompt):
            return None
        verdicts = np.nan_to_num((yield pairs))
        won = 0.5 * (1.0 + np.sign(verdicts))
        points[prompt, i] += won
        points[prompt, j] += 1.0 - won
        margin[prompt, i] += verdicts
        margin[prompt, j] -= verdicts
        met[prompt, i, j] = met[prompt, j, i] = True
    return None


def _last_of_fewest(byes: np.ndarray, table: np.ndarray, waiting: np.ndarray) -> np.ndarray:
    """[Q] place in the table of the last of those who have had the fewest byes."""
    had = np.where(waiting, np.take_along_axis(byes, table, axis=1), np.inf)
    fewest = had == had.min(axis=1, keepdims=True)
    return table.shape[1] - 1 - fewest[:, ::-1].argmax(axis=1)


def _neighbours(table: np.ndarray, waiting: np.ndarray, met: np.ndarray) -> Round:
    """Pairs from the top of the table down; a place at a time, over all prompts at once."""
    queries, width = table.shape
    waiting = waiting.copy()
    rows = np.arange(queries)
    found = []
    for place in range(width - 1):
        player = table[:, place]
        unmet = ~np.take_along_axis(met[rows, player], table, axis=1)
        free = waiting & unmet & (np.arange(width) > place) & waiting[:, place, None]
        pairs = np.flatnonzero(free.any(axis=1))
        opponent = free[pairs].argmax(axis=1)
        waiting[pairs, opponent] = False
        found.append((pairs, player[pairs], table[pairs, opponent]))
    if not found:
        return Round(*(np.zeros(0, np.int64) for _ in range(3)))
    return Round(*(np.concatenate(part) for part in zip(*found, strict=True)))
