"""The routes of each router and policy as scores beside a pool, and what its candidates cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from workbench import terminal
from workbench.evaluation.baselines import single_scores
from workbench.evaluation.distribution import llm_weights
from workbench.routing.policies import Policy, mean_costs
from workbench.stages.chosen_routes import can_decide
from workbench.stages.route_names import RouteSystem
from workbench.store.costs import load_costs
from workbench.store.pool import Pool, load_pool
from workbench.store.store import Store


@dataclass(frozen=True)
class Routing:
    """What routers say of the prompts of a pool, and what its candidates cost.

    Attributes:
        scores: name of a route -> [Q, N] scores of its policy; −inf throughout a prompt that it
            cannot answer: not routed, or answered only by LLMs that the router does not know.
        utilities: router -> [Q, L] by LLM of the pool; −inf: not known to it, or not answering.
        shares: the routers whose utilities are shares of one: chances to be the best LLM.
        unit: of the costs.
        costs: [Q, N], NaN where not known.
        usual: [L] mean cost on validation of each LLM, NaN where not known.
    """

    scores: dict[str, np.ndarray]
    utilities: dict[str, np.ndarray]
    shares: frozenset[str]
    unit: str
    costs: np.ndarray
    usual: np.ndarray

    def subset(self, prompts: np.ndarray) -> "Routing":
        """The same on the prompts chosen by a bool [Q]."""
        return replace(
            self,
            scores={name: scores[prompts] for name, scores in self.scores.items()},
            utilities={name: given[prompts] for name, given in self.utilities.items()},
            costs=self.costs[prompts],
        )

    def held(self, measured: np.ndarray) -> dict[str, np.ndarray]:
        """Route -> [Q] bool: the prompts on which it can choose among `measured` [Q, N]."""
        return {
            name: (measured & np.isfinite(scores)).any(axis=1)
            for name, scores in self.scores.items()
        }

    def filled(self, pool: Pool) -> dict[str, np.ndarray]:
        """The scores, with LLMs that cannot be chosen behind all others instead of at −inf."""
        return {name: _filled(scores, pool.mask) for name, scores in self.scores.items()}


def load_routing(
    store: Store, dataset: str, pool: Pool, systems: Sequence[RouteSystem], unit: str
) -> Routing:
    """The routes over the pool, by policies whose thresholds are set on validation.

    What a call costs is known to a policy only as the LLM's mean on validation; an LLM without
    one is never asked by a policy that reads costs. A policy that names an LLM which a router or
    the pool lacks is left out.

    Args:
        store: holds routes and costs.
        dataset: of the pool, for its validation split.
        pool: whose prompts and candidates count.
        systems: which routes.
        unit: of costs.
    """
    held_out = load_pool(store, [dataset], "validation")
    usual = _usual_costs(store, held_out, pool.llms, unit)
    utilities, scores, shares = dict[str, np.ndarray](), dict[str, np.ndarray](), set[str]()
    for router in dict.fromkeys(system.router for system in systems):
        utilities[router] = load_utilities(store, pool, router)
        if _sum_to_one(store, pool, router):
            shares.add(router)
        own = [system for system in systems if system.router == router]
        for system in own:
            found = _decided(store, held_out, pool, utilities[router], system, usual)
            if found is not None:
                scores[system.name] = found
    return Routing(scores, utilities, frozenset(shares), unit, load_costs(store, pool, unit), usual)


def load_utilities(
    store: Store, pool: Pool, router: str, llms: Sequence[str] | None = None
) -> np.ndarray:
    """[Q, L] utilities of a router over `llms`, by default those of the pool; −inf where the
    router has not met the LLM or routed the prompt, or the LLM has no candidate there."""
    names = pool.llms if llms is None else llms
    wanted = pa.table({"prompt_id": pa.array(pool.prompt_ids, pa.string())})
    with store.reading() as db:
        db.register("wanted", wanted.append_column("q", pa.array(range(len(wanted)), pa.int32())))
        db.register("names", pa.table({"llm": list(names), "l": range(len(names))}))
        rows = db.sql(
            "select q, l, utility from routes join wanted using (prompt_id) "
            "join names using (llm) where router = ?",
            params=[router],
        ).fetchnumpy()
    found = np.full((len(wanted), len(names)), -np.inf)
    found[rows["q"], rows["l"]] = rows["utility"]
    answers = llm_weights(pool.mask.astype(np.float64), pool.llm, len(pool.llms)) > 0
    places = [pool.llms.index(name) if name in pool.llms else -1 for name in names]
    # An LLM that the pool has never heard of answers nothing: a column of False at the end.
    there = np.pad(answers, ((0, 0), (0, 1)))[:, places]
    return np.where(there, found, -np.inf)


def cheapest_scores(usual: np.ndarray, quality: np.ndarray, pool: Pool) -> np.ndarray | None:
    """[Q, N] scores of 'always the cheapest LLM', of equal cost the better one; None where all
    known costs are alike.

    Args:
        usual: [L] mean costs, NaN where not known.
        quality: [L] mean quality, NaN where not known.
        pool: to score.
    """
    known = np.isfinite(usual)
    if not known.any() or np.ptp(usual[known]) == 0:
        return None
    order = np.lexsort((-np.nan_to_num(quality, nan=-np.inf), np.where(known, usual, np.inf)))
    place = np.empty(len(usual))
    place[order] = np.arange(len(usual))
    return single_scores(np.where(known, -place, np.nan), pool.llm, pool.mask)


def _decided(
    store: Store,
    held_out: Pool,
    pool: Pool,
    utilities: np.ndarray,
    system: RouteSystem,
    usual: np.ndarray,
) -> np.ndarray | None:
    """[Q, N] scores of a route, −inf for what cannot be chosen; None: it names LLMs that lack."""
    policy = Policy.parse(system.policy)
    there = np.isfinite(utilities).any(axis=0)
    met = [llm for llm, some in zip(pool.llms, there, strict=True) if some]
    if met and not can_decide(policy, met):
        return None
    if met and policy.needs_calibration:
        own = load_utilities(store, held_out, system.router, pool.llms)
        policy = policy.calibrated(own, pool.llms)
    given = utilities
    if policy.needs_costs:
        lacking = [llm for llm, cost in zip(pool.llms, usual, strict=True) if np.isnan(cost)]
        if lacking:
            terminal.say(f"{policy} never asks {', '.join(lacking)}: the cost is not known")
        given = np.where(np.isfinite(usual), utilities, -np.inf)
    scores = policy.scores(given, usual, pool.llms) if met else given
    by_candidate = np.take_along_axis(scores, np.where(pool.mask, pool.llm, 0), axis=1)
    return np.where(pool.mask, by_candidate, -np.inf)


def _usual_costs(store: Store, held_out: Pool, llms: Sequence[str], unit: str) -> np.ndarray:
    """[len(llms)] mean cost on validation, NaN where none is known."""
    costs = load_costs(store, held_out, unit)
    by_llm = [np.where(held_out.llm == i, costs, np.nan) for i in range(len(held_out.llms))]
    means = mean_costs(np.stack([own.ravel() for own in by_llm], axis=1))
    known = dict(zip(held_out.llms, means, strict=True))
    return np.array([known.get(llm, np.nan) for llm in llms])


def _sum_to_one(store: Store, pool: Pool, router: str) -> bool:
    """Whether the utilities of a router are positive and sum to 1 on every prompt."""
    rows = store.query(
        "select bool_and(least >= 0 and abs(total - 1) < 1e-3) as shares from ("
        "select min(utility) as least, sum(utility) as total from routes "
        "where router = $router and list_contains($prompts, prompt_id) group by prompt_id)",
        {"router": router, "prompts": pool.prompt_ids},
    )
    return bool(rows["shares"][0].as_py())


def _filled(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Scores with −inf inside the mask below the least of the prompt, where there is any."""
    known = np.isfinite(scores)
    least = np.where(known, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    below = np.where(np.isfinite(least), least, 0.0)
    below = below - 1.0 - np.abs(below)
    lacking = mask & ~known & np.isfinite(least)
    return np.where(lacking, below, scores)
