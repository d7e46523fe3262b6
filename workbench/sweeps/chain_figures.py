"""What a chain is worth on each prompt, and what it costs."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workbench.aggregation import Scheme
from workbench.evaluation import pick_quality
from workbench.evaluation.routing_figures import choice_cost, choice_weights
from workbench.routing.policies import Policy
from workbench.sweeps.chain_names import ChainChoice
from workbench.sweeps.chain_outcome import ChainOutcome, chain_outcome
from workbench.sweeps.chain_pool import ChainPool

Figures = dict[str, np.ndarray]
"""[Q] float64 each: `quality`; `cost`, the sum of `llm_cost`, `comparison_cost` and, where answers
may be fused, `fusion_cost`; `llm_calls`; `comparisons`."""
FIGURES = ("quality", "cost", "llm_cost", "comparison_cost", "fusion_cost", "llm_calls",
           "comparisons")  # fmt: skip


class Fusing(Protocol):
    """Fuses the best answers of chains, see `chain_fusion`."""

    def figures(self, choice: ChainChoice, outcome: ChainOutcome) -> tuple[np.ndarray, np.ndarray]:
        """[Q] quality of the fusions, and their cost."""


@dataclass
class Chains:
    """All chains over the prompts of one split.

    Attributes:
        pool: the prompts.
        comparison_cost: of one ordered comparison, in the unit of the pool's costs.
        fusing: fuses; None: no answers are.
    """

    pool: ChainPool
    comparison_cost: float
    fusing: Fusing | None = None

    def outcome(self, choice: ChainChoice) -> ChainOutcome:
        """What is asked and how it is ranked."""
        pool, policy = self.pool, Policy.parse(choice.policy)
        routed = policy.scores(pool.utilities[choice.router], pool.usual, pool.pool.llms)
        scheme = Scheme.parse(choice.scheme) if choice.scheme else None
        m = choice.m or len(pool.pool.llms)
        return chain_outcome(routed, pool.pool.mask, m, pool.logits, scheme, pool.keys)

    def figures(self, choice: ChainChoice) -> Figures:
        """The `FIGURES` of a chain; what it fuses is fused first where it is not there."""
        pool, outcome = self.pool, self.outcome(choice)
        quality, fused = pick_quality(outcome.weights(), pool.quality), np.zeros(len(pool.keys))
        if choice.top_k > 1:
            assert self.fusing is not None
            quality, fused = self.fusing.figures(choice, outcome)
        return self._told(quality, outcome.asked, outcome.comparisons, fused)

    def _told(
        self, quality: np.ndarray, asked: np.ndarray, comparisons: np.ndarray, fused: np.ndarray
    ) -> Figures:
        parts = {
            "llm_cost": np.where(asked, self.pool.costs, 0.0).sum(axis=1),
            "comparison_cost": comparisons * self.comparison_cost,
        }
        if self.fusing is not None:
            parts["fusion_cost"] = fused
        counts = {"llm_calls": asked.sum(axis=1), "comparisons": comparisons}
        figures = {"quality": quality, "cost": sum(parts.values()), **parts, **counts}
        return {name: np.asarray(values, np.float64) for name, values in figures.items()}


def single_figures(pool: ChainPool) -> dict[str, Figures]:
    """`quality` and `cost` of each LLM alone, NaN where it has no answer."""
    return {
        llm: {
            "quality": np.where(pool.pool.mask[:, column], pool.quality[:, column], np.nan),
            "cost": np.where(pool.pool.mask[:, column], pool.costs[:, column], np.nan),
        }
        for column, llm in enumerate(pool.pool.llms)
    }


def oracle_figures(pool: ChainPool) -> Figures:
    """Of the LLM whose answer is best, of equal ones the cheapest: one call, without a router."""
    mask = pool.pool.mask
    quality = np.where(mask, pool.quality, -np.inf)
    best = quality.max(axis=1)
    cheapest = np.where(quality == best[:, None], pool.costs, np.inf).argmin(axis=1)
    weights = choice_weights(cheapest, mask.shape[1])
    return {"quality": best, "cost": choice_cost(weights, pool.costs)}


def random_figures(pool: ChainPool) -> Figures:
    """Of one LLM by chance, in expectation."""
    mask = pool.pool.mask
    weights = mask / mask.sum(axis=1, keepdims=True)
    quality = pick_quality(weights, pool.quality)
    return {"quality": quality, "cost": choice_cost(weights, pool.costs)}
