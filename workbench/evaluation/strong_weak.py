"""Routing between a strong and a weak LLM: what a score of the prompts saves.

RouteLLM (arXiv 2406.18665), section 2: prompts are sent to the strong LLM in descending order of
a score, and the quality is followed over the share of calls c that it gets, from 0 to 1:
`PGR(c) = (r(c) − r_weak) / (r_strong − r_weak)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio, with_interval
from workbench.evaluation.resampling import blocks

LEVELS = (0.5, 0.8)
"""Of which the call-performance threshold is told: CPT(50 %) and CPT(80 %) as in the paper."""

_ROUNDING = 1e-9  # of PGR: a level that is reached but for rounding is reached


@dataclass(frozen=True)
class StrongWeakCurve:
    """What so many calls of the strong LLM bring, on Q prompts.

    Attributes:
        share: [Q + 1] share of calls to the strong LLM: 0, 1/Q, …, 1.
        quality: [Q + 1] mean quality.
        pgr: [Q + 1] performance gap recovered: 0 at the weak LLM's quality, 1 at the strong one's;
            above 1 where the two together beat the strong one.
    """

    share: np.ndarray
    quality: np.ndarray
    pgr: np.ndarray

    @property
    def apgr(self) -> float:
        """∫ PGR dc by the trapezoid rule; 0.5 on average for a random order."""
        return float(np.trapezoid(self.pgr, self.share))

    def cpt(self, level: float) -> float:
        """The least share of calls with PGR ≥ `level`; NaN where there is none.

        Found by scanning: the curve need not rise throughout.
        """
        reached = np.flatnonzero(self.pgr >= level - _ROUNDING)
        return float(self.share[reached[0]]) if len(reached) else float("nan")


def strong_weak_curve(score: np.ndarray, strong: np.ndarray, weak: np.ndarray) -> StrongWeakCurve:
    """The curve of one score, prompts without both qualities left out.

    Prompts of equal score are sent in random order, and the curve is the exact expectation over
    it: a constant score gives the straight line of random routing.

    Args:
        score: [Q] higher: rather to the strong LLM, such as its utility minus the weak one's.
        strong: [Q] quality of the strong LLM's answer, NaN where not measured.
        weak: [Q] the weak one's.

    Raises:
        BadValue: shapes that differ, a score that is not finite, no prompt with both qualities, or
            a strong LLM that is no better than the weak one.
    """
    kept, gain = _gains(score, strong, weak)
    calls, pgr = _group_ends(kept, gain, np.ones((1, len(kept))))
    each = np.arange(len(kept) + 1)
    curve = np.interp(each, calls[0], pgr[0])
    base = float(weak[np.isfinite(strong) & np.isfinite(weak)].mean())
    return StrongWeakCurve(each / len(kept), base + curve * gain.mean(), curve)


def evaluate_strong_weak(
    scores: Mapping[str, np.ndarray],
    strong: np.ndarray,
    weak: np.ndarray,
    *,
    levels: Sequence[float] = LEVELS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """`apgr` and `cpt50`, `cpt80`, … of each score by name, with 95 % intervals over prompts.

    Every sample of prompts has its own order and its own curve; samples in which the strong LLM
    is no better than the weak one tell nothing and are left out. A level that is never reached
    has no figure. `random` (a constant score) and `oracle` (the gain itself) are what to pass
    beside a router, see `strong_weak_bounds`.

    Args:
        scores: name -> [Q].
        strong, weak: [Q] qualities.
        levels: of PGR, each above 0.
        resamples: of the bootstrap.
        seed: of the bootstrap; the same seed pairs the samples of all scores.

    Raises:
        BadValue: as `strong_weak_curve`, or a level that is not above 0.
    """
    for level in levels:
        if not level > 0:
            raise BadValue("level of PGR", level, "numbers above 0")
    found = dict[str, dict[str, Estimate]]()
    for name, score in scores.items():
        curve = strong_weak_curve(score, strong, weak)
        kept, gain = _gains(score, strong, weak)
        values = [curve.apgr, *(curve.cpt(level) for level in levels)]
        drawn = np.empty((len(values), resamples))
        for samples, counts in blocks(len(kept), resamples, seed):
            calls, pgr = _group_ends(kept, gain, counts)
            drawn[0, samples] = np.trapezoid(pgr, calls, axis=1) / len(kept)
            for row, level in enumerate(levels, 1):
                drawn[row, samples] = _first_reaching(calls, pgr, level) / len(kept)
        names = ["apgr", *(f"cpt{100 * level:g}" for level in levels)]
        found[name] = {
            figure: with_interval(value, len(kept), replicates)
            for figure, value, replicates in zip(names, values, drawn, strict=True)
            if np.isfinite(value)
        }
    return found


def strong_weak_bounds(strong: np.ndarray, weak: np.ndarray) -> dict[str, np.ndarray]:
    """Scores [Q] of random routing and of the oracle, which knows what each strong call gains."""
    gain = np.where(np.isfinite(strong) & np.isfinite(weak), strong - weak, 0.0)
    return {"random": np.zeros(len(gain)), "oracle": gain}


def pgr_ratio(quality: np.ndarray, strong: np.ndarray, weak: np.ndarray) -> Ratio:
    """PGR of choices that are made, from their qualities [Q]: one point, not a curve.

    Prompts on which one of the three is not known are left out of all.
    """
    return Ratio(quality - weak + 0.0 * strong, strong - weak + 0.0 * quality)


def _gains(
    score: np.ndarray, strong: np.ndarray, weak: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and gains [Q] of the prompts that have both qualities."""
    if not score.shape == strong.shape == weak.shape or score.ndim != 1:
        shapes = (score.shape, strong.shape, weak.shape)
        raise BadValue("shapes of score, strong and weak", shapes, "three equal ones, [Q]")
    known = np.isfinite(strong) & np.isfinite(weak)
    if not known.any():
        raise BadValue("qualities of strong and weak", None, "at least one prompt with both")
    wrong = np.flatnonzero(known & ~np.isfinite(score))
    if len(wrong):
        raise BadValue(f"score[{wrong[0]}]", float(score[wrong[0]]), "a finite number")
    gain = strong[known] - weak[known]
    if not gain.sum() > 0:
        means = (float(strong[known].mean()), float(weak[known].mean()))
        raise BadValue("mean quality of strong and weak", means, "a strong LLM that is better")
    return score[known], gain


def _group_ends(
    score: np.ndarray, gain: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Strong calls and PGR [S, G + 1] before and after each group of equal score, highest first.

    Between the ends of a group the curve is straight: that is the expectation over its orders.

    Args:
        score, gain: [Q].
        counts: [S, Q] how often each prompt is in each sample.
    """
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.inf))
    drawn = counts[:, order]
    calls = np.add.reduceat(drawn, starts, axis=1).cumsum(axis=1)
    total = np.add.reduceat(drawn * gain[order], starts, axis=1).cumsum(axis=1)
    last = np.where(total[:, -1:] > 0, total[:, -1:], np.nan)
    before = ((0, 0), (1, 0))
    # A sample without a gap has no curve, its beginning included.
    return np.pad(calls, before), np.pad(total, before) / last


def _first_reaching(calls: np.ndarray, pgr: np.ndarray, level: float) -> np.ndarray:
    """[S] fewest strong calls with PGR ≥ `level` on curves given by their groups' ends."""
    reached = pgr[:, 1:] >= level - _ROUNDING
    group = reached.argmax(axis=1)
    rows = np.arange(len(calls))
    low, high = pgr[rows, group], pgr[rows, group + 1]
    start, end = calls[rows, group], calls[rows, group + 1]
    # A whole number of calls: the least on the straight line that is not below the level.
    rise = np.where(high > low, high - low, 1.0)
    needed = np.ceil((level - _ROUNDING - low) / rise * (end - start))
    return np.where(reached.any(axis=1), np.minimum(start + np.maximum(needed, 0), end), np.nan)
