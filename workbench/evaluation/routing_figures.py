"""Figures of the choices of a router: whom it asks, at which cost, how often rightly.

A choice is given by weights [Q, L] of the LLMs, the chance of each to be asked: `choice_weights`
of a policy's choices, or `pick_weights` of scores, which shares ties. What the choice is worth
beside BestSingle is told as of any system (`report.py`): a route is a score over candidates.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import (
    RESAMPLES,
    Estimate,
    Ratio,
    estimate,
    replicates,
    with_interval,
)

ROUTING_FIGURES = {
    "cost": "mean cost of the choice, over prompts on which it is known, in the costs' unit",
    "cost_known": "share of prompts on which the cost of the choice is known",
    "accuracy": "share of prompts on which a best LLM is chosen, of those with unequal rewards",
    "entropy": "entropy in bits of the shares in which the LLMs are asked; 0: always the same",
    "share": "share of prompts that go to an LLM",
    "unchanged": "share of prompts whose choice is the same after a perturbation",
}
"""Base names of the figures of a route; `share` is written `share[LLM]`, and `unchanged` with the
perturbation's name, `unchanged[typos]`."""


def choice_weights(choices: np.ndarray, n_llms: int) -> np.ndarray:
    """[Q, L] 1.0 for the LLM chosen, from choices [Q] int; all 0 where it is −1, nobody.

    Raises:
        BadValue: a choice that is no LLM's place.
    """
    wrong = (choices < -1) | (choices >= n_llms)
    if wrong.any():
        raise BadValue("choice", int(choices[wrong][0]), f"−1 to {n_llms - 1}")
    return (choices[:, None] == np.arange(n_llms)).astype(np.float64)


def evaluate_routes(
    routes: Mapping[str, np.ndarray],
    llms: Sequence[str],
    *,
    rewards: np.ndarray | None = None,
    costs: np.ndarray | None = None,
    perturbed: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """The figures of `ROUTING_FIGURES` of each route, with 95 % intervals over prompts.

    A prompt on which nobody is asked (weights all 0) counts in none of its figures. A figure that
    no prompt defines is not in the answer.

    Args:
        routes: name -> [Q, L] weights, each row of sum 1 or 0.
        llms: names of the L LLMs.
        rewards: [Q, L] NaN where not measured; without them there is no accuracy. A prompt on
            which an LLM that is asked has no reward does not count there.
        costs: [Q, L] or [L], NaN where unknown, which is never 0; without them no cost.
        perturbed: route -> perturbation -> [Q, L] weights for the perturbed prompts.
        resamples: of the bootstrap.
        seed: of the bootstrap; the same seed pairs the samples of all routes.

    Raises:
        BadValue: shapes that differ.
    """
    ratios = {
        (name, figure): ratio
        for name, weights in routes.items()
        for figure, ratio in _ratios(
            name, weights, llms, rewards, costs, (perturbed or {}).get(name, {})
        ).items()
    }
    drawn = replicates(ratios, resamples, seed)
    found: dict[str, dict[str, Estimate]] = {name: {} for name in routes}
    for (name, figure), ratio in ratios.items():
        if np.isfinite(ratio.value):
            found[name][figure] = estimate(ratio, drawn[name, figure])
    for name, figures in found.items():
        shares = [(name, f"share[{llm}]") for llm in llms]
        if shares[0][1] in figures:
            value = entropy_bits(np.array([ratios[key].value for key in shares]))
            samples = entropy_bits(np.stack([drawn[key] for key in shares], axis=1))
            n = figures[shares[0][1]].n
            figures["entropy"] = with_interval(float(value), n, samples)
    return found


def choice_ratios(
    weights: np.ndarray, rewards: np.ndarray | None, costs: np.ndarray | None
) -> dict[str, Ratio]:
    """`accuracy` where rewards are given, `cost` and `cost_known` where costs are.

    Arguments as of `evaluate_routes`; columns may be candidates in place of LLMs.
    """
    found = dict[str, Ratio]()
    if rewards is not None:
        found["accuracy"] = Ratio.mean(right_choice(weights, rewards))
    if costs is not None:
        cost = choice_cost(weights, costs)
        known = np.isfinite(cost).astype(np.float64)
        asked = np.where((weights > 0).any(axis=1), known, np.nan)
        found |= {"cost": Ratio.mean(cost), "cost_known": Ratio.mean(asked)}
    return found


def choice_cost(weights: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """[Q] expected cost of the choice; NaN where nobody or an LLM of unknown cost is asked.

    Args:
        weights: [Q, L].
        costs: [Q, L] or [L].
    """
    asked = weights > 0
    paid = np.where(asked, weights * np.where(asked, costs, 0.0), 0.0).sum(axis=1)
    return np.where(asked.any(axis=1), paid, np.nan)


def right_choice(weights: np.ndarray, rewards: np.ndarray) -> np.ndarray:
    """[Q] chance that a best LLM is asked, of those with a reward; any of the best is right.

    NaN where the known rewards do not differ, or an LLM that may be asked has none.
    """
    best = np.where(np.isfinite(rewards), rewards, -np.inf).max(axis=1, keepdims=True)
    worst = np.where(np.isfinite(rewards), rewards, np.inf).min(axis=1, keepdims=True)
    asked = weights > 0
    known = asked.any(axis=1) & (np.isfinite(rewards) | ~asked).all(axis=1)
    hit = np.where(rewards == best, weights, 0.0).sum(axis=1)
    return np.where(known & (best > worst)[:, 0], np.minimum(hit, 1.0), np.nan)


def unchanged(weights: np.ndarray, after: np.ndarray) -> np.ndarray:
    """[Q] share of the choice that stays under a perturbation: `Σ_l min(before, after)`.

    Of choices without ties: 1 where the same LLM is asked, else 0. NaN where nobody is.
    """
    some = weights.any(axis=1) & after.any(axis=1)
    return np.where(some, np.minimum(weights, after).sum(axis=1), np.nan)


def entropy_bits(shares: np.ndarray) -> np.ndarray:
    """Entropy [...] in bits of distributions [..., L]: from 0 to log₂ L; NaN where one is NaN."""
    shares = np.maximum(shares, 0.0)
    told = np.where(shares == 0, 1.0, shares)
    return np.maximum(-(shares * np.log2(told)).sum(axis=-1), 0.0)


def _ratios(
    name: str,
    weights: np.ndarray,
    llms: Sequence[str],
    rewards: np.ndarray | None,
    costs: np.ndarray | None,
    perturbed: Mapping[str, np.ndarray],
) -> dict[str, Ratio]:
    """The figures of one route that are ratios."""
    arrays = {"weights": weights, "rewards": rewards, "costs": _wide(costs, len(weights))}
    for what, array in (arrays | dict(perturbed)).items():
        if array is not None and array.shape != (len(weights), len(llms)):
            expected = f"({len(weights)}, {len(llms)})"
            raise BadValue(f"shape of {what} of '{name}'", array.shape, expected)
    some = (weights > 0).any(axis=1, keepdims=True)
    asked = np.where(some, weights, np.nan)
    found = {f"share[{llm}]": Ratio.mean(asked[:, i]) for i, llm in enumerate(llms)}
    found |= choice_ratios(weights, rewards, costs)
    for what, after in perturbed.items():
        found[f"unchanged[{what}]"] = Ratio.mean(unchanged(weights, after))
    return found


def _wide(costs: np.ndarray | None, prompts: int) -> np.ndarray | None:
    """Costs [L] as [Q, L]."""
    if costs is None or costs.ndim != 1:
        return costs
    return np.broadcast_to(costs, (prompts, len(costs)))
