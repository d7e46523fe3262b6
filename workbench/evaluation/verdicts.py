"""Verdicts on pairs: does a system, or another judge, prefer what a judge or most judges prefer?

A pair is two candidates of one prompt in the order in which a judge was shown them; `q`, `left`
and `right` [P] tell where they stand in [Q, N] arrays. What is said of the pairs is [P]: > 0 the
left one is better, < 0 the right one, 0 neither, NaN nothing is said. Votes are [P, J], one
column a judge.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio, replicates, with_interval

_SIDES = (1, 0, -1)


def score_preferences(
    scores: np.ndarray, q: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """[P] by how much scores [Q, N] prefer the left candidate; NaN where one is not scored."""
    first, second = scores[q, left], scores[q, right]
    known = np.isfinite(first) & np.isfinite(second)
    return np.where(known, np.where(known, first, 0.0) - np.where(known, second, 0.0), np.nan)


def judge_groups(judges: Sequence[str]) -> dict[str, list[int]]:
    """Judges of one kind, by the part of their names before the last slash, where there are two
    or more: `pandalm/person1` and `pandalm/person2` are the group `pandalm`."""
    groups = dict[str, list[int]]()
    for index, judge in enumerate(judges):
        group, slash, _ = judge.rpartition("/")
        if slash and group:
            groups.setdefault(group, []).append(index)
    return {group: members for group, members in groups.items() if len(members) > 1}


def majority(votes: np.ndarray) -> np.ndarray:
    """[P] what more than half of those say who say something: 1, 0 or −1; NaN where there is no
    such majority."""
    signs = np.sign(votes)
    counts = np.stack([(signs == side).sum(axis=1) for side in _SIDES], axis=1)
    enough = 2 * counts.max(axis=1) > np.isfinite(votes).sum(axis=1)
    return np.where(enough, np.array(_SIDES, float)[counts.argmax(axis=1)], np.nan)


def majority_of_others(votes: np.ndarray) -> np.ndarray:
    """[P, J] for each judge the majority of all the others; NaN where the judge said nothing."""
    columns = [majority(np.delete(votes, judge, axis=1)) for judge in range(votes.shape[1])]
    return np.where(np.isfinite(votes), np.stack(columns, axis=1), np.nan)


def agreement(said: np.ndarray, verdicts: np.ndarray, q: np.ndarray, prompts: int) -> Ratio:
    """Of verdicts that are no tie, the share with the same side preferred; saying 0 is half right.

    Args:
        said: [P], or [P, K]; only its signs matter. NaN leaves the pair out.
        verdicts: [P] or [P, K]; a [P] stands beside every column of the other.
        q: [P] prompt of each pair.
        prompts: how many prompts there are.
    """
    mine, theirs = (np.sign(x if x.ndim == 2 else x[:, None]) for x in (said, verdicts))
    counted = np.isfinite(mine) & np.isfinite(theirs) & (theirs != 0)
    right = np.where(counted, 0.5 + 0.5 * mine * theirs, 0.0).sum(axis=1)
    return pooled(right, counted.sum(axis=1), q, prompts)


def pooled(amounts: np.ndarray, counts: np.ndarray, q: np.ndarray, prompts: int) -> Ratio:
    """Σ amounts / Σ counts, both [P] of pairs, as sums by prompt; prompts without any count are
    none that the ratio rests on."""
    below = np.bincount(q, counts.astype(np.float64), prompts).astype(np.float64)
    above = np.bincount(q, amounts.astype(np.float64), prompts).astype(np.float64)
    return Ratio(np.where(below > 0, above, np.nan), below)


def kappa(
    first: np.ndarray,
    second: np.ndarray,
    q: np.ndarray,
    prompts: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate | None:
    """Cohen's kappa of two judges' verdicts [P] (left, right, tie) on the pairs that both judged.

    `(observed − expected) / (1 − expected)`, expected from each judge's own shares of the three
    verdicts (Cohen 1960). None where that is undefined: no common pair, or both say one and the
    same throughout.
    """
    both = np.isfinite(first) & np.isfinite(second)
    mine, theirs = np.sign(first), np.sign(second)
    ratios = {("same", 0): pooled(both & (mine == theirs), both, q, prompts)}
    for side in _SIDES:
        ratios["mine", side] = pooled(both & (mine == side), both, q, prompts)
        ratios["theirs", side] = pooled(both & (theirs == side), both, q, prompts)
    value = float(_kappa({key: np.array(ratio.value) for key, ratio in ratios.items()}))
    if not math.isfinite(value):
        return None
    n = int(ratios["same", 0].valid.sum())
    return with_interval(value, n, _kappa(replicates(ratios, resamples, seed)))


def _kappa(shares: Mapping[tuple[str, int], np.ndarray]) -> np.ndarray:
    expected = sum(
        (shares["mine", side] * shares["theirs", side] for side in _SIDES), start=np.zeros(())
    )
    by_chance = np.where(expected < 1 - 1e-12, expected, np.nan)
    return np.asarray((shares["same", 0] - by_chance) / (1 - by_chance))
