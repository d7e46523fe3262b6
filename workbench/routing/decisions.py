"""What policies do with utilities: the functions behind the names of `Policy`.

Each takes utilities [Q, L] float64 (−inf: the LLM cannot be asked for this prompt), costs [Q, L] or
None, and the LLMs' names, and gives scores [Q, L] whose highest is the choice. The other LLMs come
behind it in the order of their utilities, for a policy that is asked for the best m; −inf stays.
"""

from collections.abc import Callable, Sequence

import numpy as np

from workbench.catalog import Catalog
from workbench.errors import BadValue

DECISIONS: Catalog[Callable[..., np.ndarray]] = Catalog("policy")
"""Their keyword arguments are the policies' parameters, less a `_` at the end; one annotated as
`str` is the name of an LLM."""


@DECISIONS.add("argmax")
def argmax(utilities: np.ndarray, costs: np.ndarray | None, llms: Sequence[str]) -> np.ndarray:
    """The LLM of the highest utility, whatever it costs."""
    return utilities


@DECISIONS.add("cost_aware")
def cost_aware(
    utilities: np.ndarray,
    costs: np.ndarray | None,
    llms: Sequence[str],
    *,
    lambda_: float = 0.1,
) -> np.ndarray:
    """`utility − λ · cost`; λ is in units of utility for a unit of cost.

    An unknown cost (NaN) of an LLM that could be asked is refused: it is not 0, and any other
    guess is the caller's to make, such as the LLM's mean (`mean_costs`).
    """
    if not 0 <= lambda_ < np.inf:
        raise BadValue("lambda", lambda_, "a number that is not negative")
    if lambda_ == 0 or not utilities.size:
        return utilities
    if costs is None:
        raise BadValue("costs", None, f"costs of the LLMs, for lambda = {lambda_}")
    able = ~np.isneginf(utilities)
    unknown = able & ~np.isfinite(costs)
    if unknown.any():
        names = [llms[column] for column in np.flatnonzero(unknown.any(axis=0)).tolist()]
        raise BadValue(
            f"cost of {', '.join(names)}",
            float(costs[unknown][0]),
            "a known cost of every LLM: give prices, take mean_costs, or leave the LLM out",
        )
    return np.where(able, utilities - lambda_ * np.where(able, costs, 0.0), -np.inf)


@DECISIONS.add("threshold")
def threshold(
    utilities: np.ndarray,
    costs: np.ndarray | None,
    llms: Sequence[str],
    *,
    strong: str,
    weak: str,
    share: float | None = None,
    at: float | None = None,
) -> np.ndarray:
    """The strong LLM where its utility exceeds the weak one's by more than `at`, else the weak one.

    Where one of the two cannot be asked it is the other; where neither can, the best of the rest.
    """
    if strong == weak:
        raise BadValue("weak", weak, "another LLM than the strong one")
    if share is not None and not 0 <= share <= 1:
        raise BadValue("share", share, "a share of calls from 0 to 1")
    if share is None and at is None:
        raise BadValue("share", share, "a share of calls from 0 to 1, or the threshold itself, at")
    if at is not None and np.isnan(at):
        raise BadValue("at", at, "a number")
    if not utilities.size:
        return utilities
    if at is None:
        raise BadValue("at", at, "a threshold: calibrate the policy on validation utilities first")
    pair = llms.index(strong), llms.index(weak)
    # Where one of the two cannot be asked the gap is NaN; what is −inf cannot be lifted.
    exceeds = utility_gap(utilities, *pair) > at
    first, second = np.where(exceeds, *pair), np.where(exceeds, *pair[::-1])
    return _lifted(_lifted(utilities, second), first)


@DECISIONS.add("abstain")
def abstain(
    utilities: np.ndarray,
    costs: np.ndarray | None,
    llms: Sequence[str],
    *,
    default: str,
    margin: float = 0.05,
) -> np.ndarray:
    """The best LLM where it is ahead of the second by the margin at least, else the default one."""
    if not 0 <= margin < np.inf:
        raise BadValue("margin", margin, "a number that is not negative")
    if not utilities.size:
        return utilities
    ordered = np.sort(utilities, axis=1)
    # Without a second LLM that can be asked there is no doubt: its −inf is infinitely far.
    second = ordered[:, -2] if utilities.shape[1] > 1 else np.full(len(utilities), -np.inf)
    doubted = ordered[:, -1] < second + margin
    column = np.full(len(utilities), llms.index(default))
    return np.where(doubted[:, None], _lifted(utilities, column), utilities)


def utility_gap(utilities: np.ndarray, strong: int, weak: int) -> np.ndarray:
    """[Q] utility of the strong LLM minus the weak one's; NaN where either cannot be asked."""
    pair = np.where(np.isneginf(utilities), np.nan, utilities)
    difference: np.ndarray = pair[:, strong] - pair[:, weak]
    return difference


def threshold_for(differences: np.ndarray, share: float) -> float:
    """The threshold that at most this share of differences [n] exceeds, and as many as can.

    It lies in the middle between two of them; equal ones stay together, so that the share may be
    missed: it is never exceeded. −inf for a share of 1, inf for 0.
    """
    most = int(np.floor(share * len(differences) + 1e-9))
    if most == len(differences):
        return -np.inf
    descending = -np.sort(-differences)
    above = descending[descending > descending[most]]
    if not len(above):
        return np.inf
    middle = descending[most] + (above[-1] - descending[most]) / 2
    return float(middle if middle < above[-1] else descending[most])


def _lifted(utilities: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The utilities, with one LLM of each prompt above the others where it can be asked at all."""
    top = utilities.max(axis=1)
    top = np.where(np.isneginf(top), 0.0, top)
    rows = np.arange(len(utilities))
    scores = utilities.copy()
    # By its own size, so that it is above in any precision.
    scores[rows, column] = np.where(
        np.isneginf(utilities[rows, column]), -np.inf, top + 1.0 + np.abs(top)
    )
    return scores
