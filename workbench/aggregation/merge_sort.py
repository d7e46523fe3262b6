"""Merge sort, bottom-up, in lock-step over prompts and over the merges of a level."""

from collections.abc import Generator

import numpy as np

from workbench.aggregation.lock_step import Round, Rounds
from workbench.aggregation.seeds import check_seed, shuffled
from workbench.aggregation.sorted_scores import sorted_scores


def merge_sort(mask: np.ndarray, keys: np.ndarray, *, seed: int = 0) -> Rounds:
    """Merge sort: at most n ⌈log2 n⌉ − 2^⌈log2 n⌉ + 1 pairs (Knuth, volume 3, section 5.2.4).

    It starts from a seeded permutation, cut into runs of one, and merges neighbouring runs of
    about equal length; each round holds one pair of every merge under way. A score is the number
    of candidates behind; exact ties share theirs, and where they do not, the permutation decides.

    Args:
        mask: [Q, N] bool.
        keys: [Q] uint64 that stand for the prompts.
        seed: of the permutation, see `shuffled`.

    Raises:
        BadValue: a seed that cannot be used.
    """
    check_seed(seed)
    queue = shuffled(mask, seed, keys)
    candidates = mask.sum(axis=1)
    for level in range(int(candidates.max(initial=1) - 1).bit_length(), 0, -1):
        place = yield from _merged(queue, candidates, 2**level)
        merged = np.empty_like(queue)
        np.put_along_axis(merged, place, queue, axis=1)
        queue = merged
    return (yield from sorted_scores(queue, mask))


def _merged(
    queue: np.ndarray, candidates: np.ndarray, runs: int
) -> Generator[Round, np.ndarray, np.ndarray]:
    """[Q, N] place of each queue entry once neighbours of the `runs` runs are merged."""
    # Runs end at ⌊n t / runs⌋: the merges of a level, and all levels, are as even as can be.
    cut = candidates[:, None] * np.arange(runs + 1) // runs
    first, end, last = cut[:, 0:-1:2].copy(), cut[:, 1::2], cut[:, 2::2]
    second, out = end.copy(), first.copy()
    entry = np.arange(queue.shape[1])
    place = np.tile(entry, (len(queue), 1))
    while True:
        prompt, run = np.nonzero((first < end) & (second < last))
        if not len(prompt):
            break
        a, b = first[prompt, run], second[prompt, run]
        verdicts = yield Round(prompt, queue[prompt, a], queue[prompt, b])
        later = verdicts < 0
        place[prompt, np.where(later, b, a)] = out[prompt, run]
        out[prompt, run] += 1
        first[prompt, run] += ~later
        second[prompt, run] += later
    # What is left of a run follows as it stands.
    run = np.minimum((last[:, :, None] <= entry).sum(axis=1), runs // 2 - 1)
    for head, stop in ((first, end), (second, last)):
        head, stop, next_out = (np.take_along_axis(part, run, axis=1) for part in (head, stop, out))
        place = np.where((entry >= head) & (entry < stop), next_out + entry - head, place)
    return place
