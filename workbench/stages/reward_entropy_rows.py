"""Figures of reward entropy: how good the LLM is that a reward prefers, by how sure the reward is.

ZOOTER (arXiv 2311.08692), Figure 3.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from workbench.evaluation.bootstrap import Estimate
from workbench.evaluation.reward_entropy import entropy_bins
from workbench.stages.route_rows import Figures
from workbench.stages.router_rows import by_llm
from workbench.stages.system_names import is_ranking, measure_system
from workbench.stages.systems import Systems
from workbench.store.pool import load_quality
from workbench.store.store import Store

ENTROPY, PREFERRED = "reward_entropy@", "preferred_quality@"
"""Beginnings of the figures of a bin of prompts, which end on its number from 1."""
_SCHEME = "max_logits;"


def reward_entropy_figures(
    store: Store,
    systems: Systems,
    measure: str,
    measures: Sequence[str],
    drawn: Mapping[str, int],
) -> Figures:
    """Of each other measure, and each ranking by max_logits, as the reward, by the system's name:
    for bins of as many prompts each `reward_entropy@1`, the mean entropy in bits with the bin's
    range, and `preferred_quality@1`, by `measure`.

    Where there is no other measure, this one is a reward too. The softmax of rewards has their
    standard deviation as its temperature, so that rewards of any scale can be compared.
    """
    if systems.routing is None:
        return {}
    quality = by_llm(systems.quality, systems)
    found: Figures = {}
    for name, given in _rewards(store, systems, measure, measures):
        rewards = by_llm(given, systems)
        spread = float(np.nanstd(rewards)) if np.isfinite(rewards).any() else 0.0
        if not spread > 0:
            continue
        own = dict[str, Estimate]()
        bins = entropy_bins(rewards, quality, temperature=spread, **drawn)
        for number, prompts in enumerate(bins, 1):
            n = prompts.quality.n
            own[f"{ENTROPY}{number}"] = Estimate(prompts.entropy, prompts.low, prompts.high, n)
            own[f"{PREFERRED}{number}"] = prompts.quality
        found[name] = own
    return found


def _rewards(
    store: Store, systems: Systems, measure: str, measures: Sequence[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Names of systems and their rewards [Q, N]."""
    for other in [name for name in measures if name != measure] or [measure]:
        yield measure_system(other), load_quality(store, systems.pool, other)
    # Of a reward model these are its rewards less their mean, times a constant.
    for name, scores in systems.scores.items():
        if is_ranking(name) and name.partition("/")[2].startswith(_SCHEME):
            yield name, scores
