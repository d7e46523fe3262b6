"""Do a router's utilities mean what they say: reliability bins and the calibration error.

Guo et al., ICML 2017 (arXiv 1706.04599), section 2: in bins of the predicted number the mean
prediction is held against what is observed.
"""

from dataclasses import dataclass

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio, replicates, with_interval

BINS = 10


@dataclass(frozen=True)
class Reliability:
    """Predictions in B bins of equal width from 0 to 1.

    Attributes:
        predicted, observed: [B] mean of each bin, NaN in an empty one.
        count: [B] predictions in each.
        error: expected calibration error `Σ count / n · |predicted − observed|`, 0 is best; its
            interval is over prompts. It is biased upwards: noise within bins counts as error.
    """

    predicted: np.ndarray
    observed: np.ndarray
    count: np.ndarray
    error: Estimate


def reliability(
    predicted: np.ndarray,
    observed: np.ndarray,
    *,
    bins: int = BINS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Reliability:
    """Bins of all predictions that have an observation.

    Args:
        predicted: [Q, L] numbers from 0 to 1.
        observed: [Q, L] numbers from 0 to 1, NaN where not known.
        bins: how many.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        BadValue: shapes that differ, a prediction outside 0 to 1 that is observed, nothing
            observed, or fewer than one bin.
    """
    if bins < 1:
        raise BadValue("bins", bins, "a positive number")
    if predicted.shape != observed.shape or predicted.ndim != 2:
        shapes = (predicted.shape, observed.shape)
        raise BadValue("shapes of predictions and observations", shapes, "two equal ones, [Q, L]")
    known = np.isfinite(observed)
    if not known.any():
        raise BadValue("observations", None, "at least one that is known")
    wrong = known & ~((predicted >= 0) & (predicted <= 1))
    if wrong.any():
        raise BadValue("prediction", float(predicted[wrong][0]), "a number from 0 to 1")
    place = np.where(known, np.minimum(np.nan_to_num(predicted) * bins, bins - 1), -1).astype(int)
    sums = [_by_bin(values, place, bins) for values in (predicted, observed, known)]
    total = known.sum(axis=1).astype(np.float64)
    gaps = {b: Ratio(sums[0][:, b] - sums[1][:, b], total) for b in range(bins)}
    drawn = replicates(gaps, resamples, seed)
    errors = np.abs(np.stack(list(drawn.values()))).sum(axis=0)
    value = sum(abs(gap.value) for gap in gaps.values())
    told, seen, count = (part.sum(axis=0) for part in sums)
    size = np.where(count > 0, count, np.nan)
    error = with_interval(value, int((total > 0).sum()), errors)
    return Reliability(told / size, seen / size, count.astype(int), error)


def best_shares(rewards: np.ndarray) -> np.ndarray:
    """[Q, L] what a probability of being best is held against: 1/n for each of n best LLMs.

    NaN where a reward is not known, and on prompts where none differ: there is no best LLM.
    """
    known = np.isfinite(rewards)
    filled = np.where(known, rewards, -np.inf)
    top = filled.max(axis=1, keepdims=True)
    differ = np.where(known, rewards, np.inf).min(axis=1, keepdims=True) < top
    best = (filled == top) & known
    return np.where(known & differ, best / np.maximum(best.sum(axis=1, keepdims=True), 1), np.nan)


def min_max(values: np.ndarray) -> np.ndarray:
    """The values over their finite range, from 0 to 1; 0.5 where they are all alike.

    For utilities that are predicted rewards: both sides are scaled so before `reliability`.
    What is not finite is NaN.
    """
    known = np.isfinite(values)
    low = np.where(known, values, np.inf).min(initial=np.inf)
    high = np.where(known, values, -np.inf).max(initial=-np.inf)
    if not high > low:
        return np.where(known, 0.5, np.nan)
    return np.where(known, np.where(known, values - low, 0.0) / (high - low), np.nan)


def _by_bin(values: np.ndarray, place: np.ndarray, bins: int) -> np.ndarray:
    """[Q, bins] sums of values [Q, L] by their bins [Q, L]; −1 belongs to none."""
    row, column = np.nonzero(place >= 0)
    flat = np.bincount(
        row * bins + place[row, column],
        weights=values[row, column].astype(np.float64),
        minlength=len(values) * bins,
    )
    return flat.reshape(len(values), bins)
