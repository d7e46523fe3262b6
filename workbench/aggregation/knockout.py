"""Knockout: a single-elimination bracket."""

import numpy as np

from workbench.aggregation.lock_step import Round, Rounds
from workbench.aggregation.seeds import check_seed, shuffled


def knockout(mask: np.ndarray, keys: np.ndarray, *, seed: int = 0) -> Rounds:
    """Knockout: who loses is out; n − 1 pairs in ⌈log2 n⌉ rounds.

    The bracket has the next power of two places, drawn by a seeded permutation; its empty places
    are byes of the first round, so that no one has more than one. A score is the number of
    rounds survived, byes counted; an exact tie keeps the one that came first in the permutation.

    Args:
        mask: [Q, N] bool.
        keys: [Q] uint64 that stand for the prompts.
        seed: of the permutation, see `shuffled`.

    Raises:
        BadValue: a seed that cannot be used.
    """
    check_seed(seed)
    scores = np.where(mask, 0.0, -np.inf)
    if mask.size == 0:
        return scores
    alive = _bracket(mask, seed, keys)
    while alive.shape[1] > 1:
        upper, lower = alive[:, 0::2].copy(), alive[:, 1::2]
        # Small brackets end early: their winner stays, and survives nothing more.
        under_way = (alive >= 0).sum(axis=1) > 1
        prompt, match = np.nonzero((upper >= 0) & (lower >= 0))
        verdicts = yield Round(prompt, upper[prompt, match], lower[prompt, match])
        beaten = verdicts < 0
        upper[prompt[beaten], match[beaten]] = lower[prompt[beaten], match[beaten]]
        alive = upper
        prompt, match = np.nonzero((alive >= 0) & under_way[:, None])
        scores[prompt, alive[prompt, match]] += 1.0
    return scores


def _bracket(mask: np.ndarray, seed: int, keys: np.ndarray) -> np.ndarray:
    """[Q, power of two] columns, -1 for an empty place: places 2m and 2m + 1 meet first.

    With h half the places of a prompt's own bracket, the first h of its permutation stand at 0,
    2, 4 …, the others at 1, 3, 5 …
    """
    queue = shuffled(mask, seed, keys)
    candidates = mask.sum(axis=1)
    half = _power_of_two(candidates) // 2
    place = np.arange(mask.shape[1])[None, :]
    seat = np.where(place < half[:, None], 2 * place, 2 * (place - half[:, None]) + 1)
    seat = np.where(half[:, None] == 0, 0, seat)
    bracket = np.full((len(mask), int(_power_of_two(candidates).max())), -1)
    prompt, real = np.nonzero(place < candidates[:, None])
    bracket[prompt, seat[prompt, real]] = queue[prompt, real]
    return bracket


def _power_of_two(n: np.ndarray) -> np.ndarray:
    """The smallest power of two that is at least n, and at least 1."""
    powers = 2 ** np.arange(int(n.max(initial=1)).bit_length() + 1)
    return powers[np.searchsorted(powers, np.maximum(n, 1))]
