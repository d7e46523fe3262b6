"""What quality a cost buys: the hull over points (cost, quality), and the area below it.

RouterBench (arXiv 2403.12031), section 3: between two systems every mean cost can be had by a coin
between them, so a set of systems is worth its upper concave hull. The zero router is the hull of
the single LLMs: what can be had without reading the prompt.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import (
    RESAMPLES,
    Estimate,
    Ratio,
    p_value,
    replicates,
    with_interval,
)


@dataclass(frozen=True)
class Hull:
    """Corners of an upper concave hull, from the cheapest point to the best one.

    Attributes:
        cost: [n] ascending.
        quality: [n] ascending: a point that costs more and is no better buys nothing.
        points: [n] which of the given points the corners are.
    """

    cost: np.ndarray
    quality: np.ndarray
    points: np.ndarray

    def at(self, cost: np.ndarray | float) -> np.ndarray:
        """The quality that can be had at these mean costs; NaN below the cheapest point.

        Beyond the best point it stays: nobody has to spend more.
        """
        asked = np.asarray(cost, np.float64)
        bought = np.interp(asked, self.cost, self.quality)
        return np.where(asked >= self.cost[0], bought, np.nan)


def hull(cost: np.ndarray, quality: np.ndarray) -> Hull:
    """The upper concave hull of points [n], without the part that falls behind the best point.

    Raises:
        BadValue: no points, shapes that differ, or a number that is not finite (an unknown cost
            is no cost of 0: leave the point out).
    """
    _check(cost, quality)
    # By cost; of equal cost the best one first, so that the others are not above it.
    order = np.lexsort((-quality, cost))
    corners = list[int]()
    for point in order.tolist():
        if corners and quality[point] <= quality[corners[-1]]:
            continue  # costs no less and is no better
        while len(corners) > 1 and _under(cost, quality, corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    points = np.array(corners)
    return Hull(cost[points], quality[points], points)


def aiq(found: Hull, low: float, high: float) -> float:
    """Average improvement in quality: `1 / (high − low) ∫ hull dc` from `low` to `high`.

    Hulls are compared over one range, such as from the cheapest to the dearest single LLM.

    Raises:
        BadValue: a range without width, or one that begins below the cheapest point.
    """
    if not low < high:
        raise BadValue("range of costs", (low, high), "two different ones, the lower one first")
    if low < found.cost[0]:
        raise BadValue("low end of the costs", low, f"at least {found.cost[0]}, the cheapest point")
    inside = found.cost[(found.cost > low) & (found.cost < high)]
    costs = np.concatenate([[low], inside, [high]])
    return float(np.trapezoid(found.at(costs), costs) / (high - low))


def evaluate_cost_quality(
    routes: Mapping[str, tuple[np.ndarray, np.ndarray]],
    cost: np.ndarray,
    quality: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """AIQ of each router and of the zero router, and by how much the first is above the second.

    The hull of a router is that of its own points, one a setting of its policy, and of the
    cheapest LLM alone, to which λ = ∞ leads. The range goes from the cheapest to the dearest
    single LLM, in every sample of prompts anew. All hulls are optimistic, as any best of several
    noisy points is, the zero router's too.

    Args:
        routes: name -> (cost [Q, S], quality [Q, S]) of the choices under S settings.
        cost: [Q, L] of the single LLMs; its unit is that of all costs.
        quality: [Q, L].
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        name -> `aiq`, `vs_zero_router`, `vs_zero_router_p`; "zero_router" -> `aiq`. A prompt on
        which anything is unknown, of any router, is left out of all.

    Raises:
        BadValue: shapes that differ, no prompt on which all is known, or LLMs that all cost alike.
    """
    parts = {"": (cost, quality), **routes}
    for name, (costs, qualities) in parts.items():
        if costs.shape != qualities.shape or len(costs) != len(cost):
            given = (costs.shape, qualities.shape)
            raise BadValue(f"shapes of cost and quality of '{name}'", given, "two equal ones")
    known = np.isfinite(np.concatenate([np.hstack(part) for part in parts.values()], axis=1))
    whole = known.all(axis=1)
    if not whole.any():
        raise BadValue("prompts with known costs and qualities", 0, "at least one")
    means, n = cost[whole].mean(axis=0), int(whole.sum())
    if not np.ptp(means) > 0:
        raise BadValue("mean costs of the single LLMs", means.tolist(), "different ones")
    drawn = {name: _means(part, whole, resamples, seed) for name, part in parts.items()}
    zero = _areas(drawn[""], drawn[""])
    found = {"zero_router": {"aiq": with_interval(float(zero[0]), n, zero[1:])}}
    for name in routes:
        areas = _areas(drawn[name], drawn[""])
        lift = areas - zero
        p = p_value(lift[1:], n)
        found[name] = {
            "aiq": with_interval(float(areas[0]), n, areas[1:]),
            "vs_zero_router": with_interval(float(lift[0]), n, lift[1:]),
            "vs_zero_router_p": Estimate(p, p, p, n),
        }
    return found


def _means(
    part: tuple[np.ndarray, np.ndarray], whole: np.ndarray, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean cost and quality [1 + resamples, S]: of all prompts, then of each sample."""
    columns = np.concatenate(part, axis=1)[whole]
    ratios = {place: Ratio.mean(column) for place, column in enumerate(columns.T)}
    samples = replicates(ratios, resamples, seed)
    means = np.stack([np.concatenate([[r.value], samples[i]]) for i, r in ratios.items()], axis=1)
    return means[:, : part[0].shape[1]], means[:, part[0].shape[1] :]


def _areas(
    points: tuple[np.ndarray, np.ndarray], single: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """[1 + resamples] AIQ of points and the cheapest single LLM; NaN without a range."""
    areas = list[float]()
    for cost, quality, own_cost, own_quality in zip(*single, *points, strict=True):
        zero = hull(cost, quality)
        own = hull(np.append(own_cost, zero.cost[0]), np.append(own_quality, zero.quality[0]))
        low, high = float(cost.min()), float(cost.max())
        areas.append(aiq(own, low, high) if low < high else np.nan)
    return np.array(areas)


def _under(cost: np.ndarray, quality: np.ndarray, left: int, middle: int, right: int) -> bool:
    """Is the middle point on or below the line between its neighbours?"""
    width, rise = cost[right] - cost[left], quality[right] - quality[left]
    return bool((quality[middle] - quality[left]) * width <= rise * (cost[middle] - cost[left]))


def _check(cost: np.ndarray, quality: np.ndarray) -> None:
    if cost.ndim != 1 or cost.shape != quality.shape or not len(cost):
        given = (cost.shape, quality.shape)
        raise BadValue("shapes of cost and quality", given, "two equal ones, [points]")
    for name, values in (("cost", cost), ("quality", quality)):
        if not np.isfinite(values).all():
            place = int(np.flatnonzero(~np.isfinite(values))[0])
            raise BadValue(f"{name}[{place}]", float(values[place]), "a finite number")
