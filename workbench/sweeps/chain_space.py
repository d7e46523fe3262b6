"""What a study of chains searches: router, λ, how many LLMs, the ranking, and K of a fusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.aggregation import Scheme
from workbench.errors import BadValue
from workbench.routing.policies import Policy
from workbench.sweeps.chain_names import ALL, ARGMAX, ChainChoice
from workbench.sweeps.decoding_space import check_choices
from workbench.sweeps.space import Space

if TYPE_CHECKING:
    import optuna

_COST_AWARE = "cost_aware"
# λ in units of the router's own: 1 weighs a usual difference of utility as much as one of cost.
_LOW, _HIGH = 0.02, 50.0
_USUAL_M = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32)


@dataclass(frozen=True)
class ChainSpace:
    """The choices of each trial.

    Raises BadValue where there is no choice or one twice, and for a number out of range.

    Attributes:
        routers: see `ChainChoice`.
        m: how many LLMs a router's prompts are sent to.
        scales: of λ by router, see `lambda_scale`; None where all LLMs cost alike.
        ranking: schemes, orders and schedules; None: nothing can be ranked, and m is 1. Its top_k
            are the K of fusions.
    """

    routers: list[str]
    m: list[int]
    scales: Mapping[str, float | None]
    ranking: Space | None

    def __post_init__(self) -> None:
        check_choices("routers", self.routers)
        check_choices("m", self.m)

    def choose(self, trial: "optuna.Trial", seed: int) -> ChainChoice:
        """What a trial does; what has no effect on it is not drawn."""
        router = trial.suggest_categorical("router", self.routers)
        policy, m = ARGMAX, 0
        if router != ALL:
            m = trial.suggest_categorical("m", self.m)
            policy = self._policy(trial, router)
        if m == 1 or self.ranking is None:
            return ChainChoice(router, policy, m)
        k = 1
        if self.ranking.top_k != [1]:
            k = trial.suggest_categorical("top_k", self.ranking.top_k)
            k = min(k, m or k)
        return ChainChoice(router, policy, m, str(self.ranking.choose(trial, k, seed)), k)

    def _policy(self, trial: "optuna.Trial", router: str) -> str:
        scale = self.scales.get(router)
        if scale is None:
            return ARGMAX
        name = trial.suggest_categorical("policy", [ARGMAX, _COST_AWARE])
        if name == ARGMAX:
            return ARGMAX
        drawn = trial.suggest_float("lambda", _LOW, _HIGH, log=True)
        return str(Policy.of(_COST_AWARE, **{"lambda": float(f"{drawn * scale:.3g}")}))

    def first(self) -> list[dict[str, Any]]:
        """Parameters of the trials that come first: each router alone, and all LLMs ranked."""
        alone = [
            {"router": router, "m": 1, "policy": ARGMAX}
            for router in self.routers
            if router != ALL and 1 in self.m
        ]
        if ALL not in self.routers:
            return alone
        return [*alone, {"router": ALL, **self._plain()}]

    def _plain(self) -> dict[str, Any]:
        assert self.ranking is not None
        scheme = plain_scheme(self.ranking)
        found = {"scheme": scheme.name, "order": scheme.order, "top_k": min(self.ranking.top_k)}
        plain = str(scheme.schedule)
        return found | ({"schedule": plain} if plain in self.ranking.schedules else {})


def plain_scheme(ranking: Space) -> Scheme:
    """The first of the space's schemes, on all pairs in its first order: what others save on."""
    name = "max_logits" if "max_logits" in ranking.schemes else ranking.schemes[0]
    return Scheme.of(name, order=ranking.orders[0])


def usual_m(llms: int, ranked: bool) -> list[int]:
    """How many LLMs are asked where nobody says: fewer than all, and one without a ranking."""
    return [m for m in _USUAL_M if m < llms] if ranked else [1]


def check_m(m: Sequence[int], llms: int, ranked: bool) -> None:
    """Raises BadValue for an m that is not possible with so many LLMs."""
    for count in m:
        if not 1 <= count < llms:
            raise BadValue(
                "m", count, f"from 1 to {llms - 1}, as there are {llms} LLMs; 'all' among the "
                "routers asks all"
            )  # fmt: skip
        if count > 1 and not ranked:
            raise BadValue("m", count, "1, as no ranker has compared the answers of several")


def lambda_scale(utilities: np.ndarray, costs: np.ndarray) -> float | None:
    """λ at which a usual difference of utility is worth as much as one of cost.

    Args:
        utilities: [Q, L], −inf where an LLM cannot be asked.
        costs: [L] mean costs.

    Returns:
        Spread over LLMs of the utilities of a prompt (mean over prompts) / spread of the costs;
        None where either is 0.
    """
    known = np.where(np.isfinite(utilities), utilities, np.nan)
    usable = known[np.isfinite(known).sum(axis=1) > 1]
    gain = float(np.nanstd(usable, axis=1).mean()) if len(usable) else 0.0
    dear = float(np.nanstd(costs))
    return gain / dear if gain > 0 and dear > 1e-12 * float(np.nanmax(np.abs(costs))) else None
