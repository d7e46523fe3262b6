"""Percentile bootstrap over prompts: one resampling serves any number of figures.

Every figure is a ratio of two sums over prompts: a mean (sum of values over number of prompts that
have one), a pooled accuracy (correct pairs over pairs), a share of a gap.
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.resampling import blocks

RESAMPLES = 2000
LEVEL = 0.95

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Estimate:
    """A figure with its bootstrap interval; finite, and low ≤ value ≤ high."""

    value: float
    low: float
    high: float
    n: int
    """Prompts that the figure rests on."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.n >= 1):
            raise ValueError(f"no estimate: {self.low}, {self.high}, n = {self.n}")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} lies outside [{self.low}, {self.high}]")


@dataclass(frozen=True)
class Difference:
    """A paired difference and its two-sided bootstrap p-value."""

    estimate: Estimate
    p: float


@dataclass(frozen=True)
class Ratio:
    """Σ numerator / Σ denominator over prompts, both [Q]; prompts with a NaN are left out."""

    numerator: np.ndarray
    denominator: np.ndarray

    @classmethod
    def mean(cls, values: np.ndarray) -> "Ratio":
        """The mean of per-prompt values [Q], NaN left out."""
        return cls(values, np.ones(len(values)))

    @property
    def valid(self) -> np.ndarray:
        """[Q] bool: prompts that count."""
        return np.isfinite(self.numerator) & np.isfinite(self.denominator)

    @property
    def value(self) -> float:
        """The ratio over all prompts; NaN where the denominators do not sum to more than 0."""
        valid = self.valid
        numerator, denominator = self.numerator[valid], self.denominator[valid]
        total = denominator.sum()
        if not total > 0:
            return math.nan
        rough = numerator.sum() / total
        # The second step takes out the rounding of the first: a constant's mean is the constant.
        return float(rough + (numerator - rough * denominator).sum() / total)


def replicates(
    ratios: Mapping[K, Ratio], resamples: int = RESAMPLES, seed: int = 0
) -> dict[K, np.ndarray]:
    """Each ratio over `resamples` samples of the prompts, drawn with replacement.

    All ratios see the same samples, so that differences between them are paired; so do two calls
    with the same number of prompts, resamples and seed, of which the last call's counts are kept
    (at most 256 MB). Besides these about 80 MB, whatever the number of prompts.

    Returns:
        [resamples] float64 a ratio; NaN in a sample where its denominators sum to 0.

    Raises:
        BadValue: ratios over different numbers of prompts, or resamples < 1.
    """
    if resamples < 1:
        raise BadValue("resamples", resamples, "an integer ≥ 1")
    sizes = {len(ratio.numerator) for ratio in ratios.values()}
    if len(sizes) > 1:
        raise BadValue("prompts of the figures", sorted(sizes), "one number of prompts")
    prompts = sizes.pop() if sizes else 0
    centres, numerators, denominators, place = _columns(ratios)
    columns = np.stack([*numerators, *denominators], axis=1) if ratios else np.zeros((0, 0))
    sums = np.zeros((resamples, columns.shape[1]))
    for samples, counts in blocks(prompts, resamples, seed):
        sums[samples] = counts @ columns
    above, below = sums[:, : len(ratios)], sums[:, len(ratios) :]
    below = np.where(below > 0, below, np.nan)
    return {key: centres[i] + above[:, i] / below[:, place[i]] for i, key in enumerate(ratios)}


def estimate(ratio: Ratio, drawn: np.ndarray, level: float = LEVEL) -> Estimate:
    """The ratio with the percentile interval of its replicates, widened to hold the value.

    Raises:
        BadValue: no prompt has the figure; or a level outside (0, 1).
    """
    return with_interval(ratio.value, int(ratio.valid.sum()), drawn, level)


def with_interval(value: float, n: int, drawn: np.ndarray, level: float = LEVEL) -> Estimate:
    """Any figure that rests on `n` prompts, with the percentile interval of its replicates.

    For a figure that is made of several ratios: its replicates [resamples] are made of theirs.
    Raises BadValue as `estimate` does.
    """
    if not 0 < level < 1:
        raise BadValue("level", level, "a number between 0 and 1")
    if not math.isfinite(value):
        raise BadValue("figure", value, "at least one prompt that has it")
    # A sample may miss all the prompts that have the figure; it tells nothing about it.
    known = drawn[np.isfinite(drawn)]
    low, high = (
        np.quantile(known, [(1 - level) / 2, (1 + level) / 2]) if len(known) else (value,) * 2
    )
    return Estimate(value, min(float(low), value), max(float(high), value), n)


def p_value(drawn: np.ndarray, n: int) -> float:
    """Two-sided bootstrap p-value of "the figure is 0": twice the smaller tail beyond 0.

    Never under 2^(1 − n), the least that a sign test of n prompts can give: resampling two or
    three prompts cannot prove anything.
    """
    known = drawn[np.isfinite(drawn)]
    tail = min((known <= 0).sum(), (known >= 0).sum())
    return float(min(1.0, max(2 * (tail + 1) / (len(known) + 1), 2.0 ** (1 - n))))


def mean_estimate(
    values: np.ndarray, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Mean of per-prompt values [Q] with its interval; NaN left out.

    Raises:
        BadValue: all values are NaN.
    """
    ratio = Ratio.mean(values)
    return estimate(ratio, replicates({0: ratio}, resamples, seed)[0], level)


def ratio_estimate(
    numerator: np.ndarray,
    denominator: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Σ numerator / Σ denominator [Q] with its interval; prompts with a NaN are left out.

    Raises:
        BadValue: the denominators do not sum to more than 0.
    """
    ratio = Ratio(numerator, denominator)
    return estimate(ratio, replicates({0: ratio}, resamples, seed)[0], level)


def paired_difference(
    values: np.ndarray,
    baseline: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Difference:
    """Mean of `values − baseline` over the prompts [Q] that have both, interval and p-value.

    Raises:
        BadValue: no prompt has both.
    """
    ratio = Ratio.mean(values - baseline)
    drawn = replicates({0: ratio}, resamples, seed)[0]
    found = estimate(ratio, drawn, level)
    return Difference(found, p_value(drawn, found.n))


def _columns(
    ratios: Mapping[K, Ratio],
) -> tuple[list[float], list[np.ndarray], list[np.ndarray], list[int]]:
    """The ratios' values, numerators and distinct denominators, and whose denominator is which.

    All [Q], 0 for NaN. Numerators are taken relative to the value (numerator − value ×
    denominator), so that a constant figure has replicates of exactly that constant. Most figures
    are means over the same prompts and share a denominator.
    """
    centres, place = list[float](), list[int]()
    numerators, denominators = list[np.ndarray](), list[np.ndarray]()
    known = dict[bytes, int]()
    for ratio in ratios.values():
        valid, value = ratio.valid, ratio.value
        centre = value if math.isfinite(value) else 0.0
        denominator = np.where(valid, ratio.denominator, 0.0).astype(np.float64, copy=False)
        index = known.setdefault(denominator.tobytes(), len(denominators))
        if index == len(denominators):
            denominators.append(denominator)
        centres.append(centre)
        numerators.append(np.where(valid, ratio.numerator, 0.0) - centre * denominators[index])
        place.append(index)
    return centres, numerators, denominators, place
