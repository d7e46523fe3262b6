"""The front of a study of chains with intervals, and what stands beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from optuna.trial import FrozenTrial

from workbench.evaluation import Difference, Estimate
from workbench.evaluation.bootstrap import Ratio, estimate, p_value, replicates
from workbench.evaluation.cost_quality import Hull, hull
from workbench.stages.system_names import BEST_SINGLE, ORACLE, RANDOM, llm_system
from workbench.sweeps.chain_figures import (
    Chains,
    Figures,
    oracle_figures,
    random_figures,
    single_figures,
)
from workbench.sweeps.chain_names import ALL, ChainChoice, best_single_router

_DIFFERENCE = "vs_best_single"
_AT_ONCE = 16  # systems whose figures are resampled together; bounds the memory


@dataclass(frozen=True)
class ChainWorth:
    """Figures of a chain, or of what it is compared with, on one split.

    Attributes:
        figures: means with intervals, see `chain_figures.FIGURES`; of a system beside chains
            quality and cost alone.
        vs_best_single: quality minus that of BestSingle on the same prompts.
        above_hull: quality minus what single LLMs have at that mean cost, by a coin between two
            of them; NaN below the cheapest, or where there is no hull.
    """

    figures: dict[str, Estimate]
    vs_best_single: Difference
    above_hull: float

    @property
    def quality(self) -> Estimate:
        """Mean quality."""
        return self.figures["quality"]

    @property
    def cost(self) -> Estimate:
        """Mean cost a prompt, of all parts."""
        return self.figures["cost"]

    def all_figures(self) -> dict[str, Estimate]:
        """All estimates by name."""
        return self.figures | {_DIFFERENCE: self.vs_best_single.estimate}


@dataclass(frozen=True)
class ChainSetting:
    """A chain of the front, on the split of the trials and, if it was looked at, on test."""

    choice: ChainChoice
    name: str
    label: str
    tuned: ChainWorth
    test: ChainWorth | None = None


@dataclass(frozen=True)
class Beside:
    """What chains are compared with on one split.

    Attributes:
        systems: name for people -> worth; single LLMs under `llm:NAME`, best first.
        singles: hull of the single LLMs that answer all prompts; None: there is none.
    """

    systems: dict[str, ChainWorth]
    singles: Hull | None


@dataclass(frozen=True)
class Judged:
    """Measures chains on one split against BestSingle and the single LLMs."""

    chains: Chains
    best_single: np.ndarray
    singles: Hull | None
    seed: int

    @classmethod
    def on(cls, chains: Chains, measure: str, seed: int) -> "Judged":
        """The judge of these prompts; `measure` names BestSingle's order."""
        choice = ChainChoice(best_single_router(measure), m=1)
        singles = single_figures(chains.pool).values()
        whole = [f for f in singles if np.isfinite(f["quality"]).all()]
        costs = np.array([f["cost"].mean() for f in whole])
        qualities = np.array([f["quality"].mean() for f in whole])
        found = hull(costs, qualities) if whole else None
        return cls(chains, chains.figures(choice)["quality"], found, seed)

    def worths(self, systems: Mapping[str, Figures]) -> dict[str, ChainWorth]:
        """The figures of systems with their intervals, NaN left out; all see the same samples."""
        found: dict[str, ChainWorth] = {}
        names = list(systems)
        for some in (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)):
            ratios = {
                (name, figure): Ratio.mean(values)
                for name in some
                for figure, values in [
                    *systems[name].items(),
                    (_DIFFERENCE, systems[name]["quality"] - self.best_single),
                ]
            }
            drawn = replicates(ratios, seed=self.seed)
            told = {key: estimate(ratio, drawn[key]) for key, ratio in ratios.items()}
            for name in some:
                figures = {figure: told[name, figure] for figure in systems[name]}
                difference = told[name, _DIFFERENCE]
                p = p_value(drawn[name, _DIFFERENCE], difference.n)
                bought = self.singles.at(figures["cost"].value) if self.singles else np.nan
                above = figures["quality"].value - float(bought)
                found[name] = ChainWorth(figures, Difference(difference, p), above)
        return found

    def of(self, choices: Mapping[str, ChainChoice]) -> dict[str, ChainWorth]:
        """The worth of chains by their names."""
        return self.worths({name: self.chains.figures(c) for name, c in choices.items()})

    def beside(self, measure: str, labels: Mapping[str, str], plain: str) -> Beside:
        """Oracle, Random, BestSingle, each router alone, all LLMs ranked, and the single LLMs.

        Args:
            measure: names BestSingle's order.
            labels: of the routers that the study has; chance and BestSingle's order aside.
            plain: scheme by which all are ranked; '': there is no ranking.
        """
        pool = self.chains.pool
        own = best_single_router(measure)
        systems = {
            ORACLE: oracle_figures(pool),
            BEST_SINGLE: self.chains.figures(ChainChoice(own, m=1)),
            RANDOM: random_figures(pool),
        }
        for router, label in labels.items():
            if not router.startswith((f"{BEST_SINGLE}[", f"{RANDOM}(")) and router != ALL:
                systems[f"route only: {label}"] = self.chains.figures(ChainChoice(router, m=1))
        if plain:
            systems["rank all"] = self.chains.figures(ChainChoice(ALL, scheme=plain))
        single = {
            llm_system(llm): figures
            for llm, figures in single_figures(pool).items()
            if np.isfinite(figures["quality"]).any()
        }
        worths = self.worths(systems | single)
        best_first = sorted(single, key=lambda name: -worths[name].quality.value)
        return Beside({name: worths[name] for name in [*systems, *best_first]}, self.singles)


def looked_at(settings: Sequence[ChainSetting], judged: Judged) -> list[ChainSetting]:
    """The settings with their worth on prompts that no trial has seen."""
    worths = judged.of({s.name: s.choice for s in settings})
    return [replace(setting, test=worths[setting.name]) for setting in settings]


def thinned(front: Sequence[FrozenTrial], most: int) -> list[FrozenTrial]:
    """At most so many trials of a front, the best first: those that gain least go.

    A gain is that of quality over the next cheaper one; the best and the cheapest stay.
    """
    kept = list(front)
    while len(kept) > most:
        gains = [kept[n].values[0] - kept[n + 1].values[0] for n in range(1, len(kept) - 1)]
        del kept[1 + int(np.argmin(gains))]
    return kept
