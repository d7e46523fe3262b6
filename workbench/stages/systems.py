"""The systems that an evaluation compares, as scores over one dataset, split and measure."""

from dataclasses import dataclass

import numpy as np

from workbench import terminal
from workbench.errors import MissingInput
from workbench.evaluation.baselines import (
    best_single,
    longest_scores,
    oracle_scores,
    random_scores,
    single_scores,
)
from workbench.stages.rankers import short, short_scheme
from workbench.store.pool import Pool, load_pool, load_quality, load_scores
from workbench.store.store import Store

RANDOM, LONGEST, BEST_SINGLE, ORACLE = "Random", "Longest", "BestSingle", "Oracle"
PREFERENCE = "preference"
Rankings = list[tuple[str, str]]
"""Pairs of a ranker and a scheme."""


@dataclass(frozen=True)
class Systems:
    """What is compared, on prompts that every system has an opinion on.

    Attributes:
        pool, quality: the prompts, and [Q, N] quality by the measure.
        scores: name of a system -> [Q, N]; −inf throughout a prompt that it does not answer.
        best_single: [Q, N] scores of BestSingle, chosen on validation.
        best_llm: its name.
    """

    pool: Pool
    quality: np.ndarray
    scores: dict[str, np.ndarray]
    best_single: np.ndarray
    best_llm: str

    def subset(self, prompts: np.ndarray) -> "Systems":
        """The same systems on the prompts chosen by a bool [Q]."""
        return Systems(
            self.pool.subset(prompts),
            self.quality[prompts],
            {name: scores[prompts] for name, scores in self.scores.items()},
            self.best_single[prompts],
            self.best_llm,
        )


def ranker_system(ranker: str, scheme: str) -> str:
    """Name of the system 'this ranker with this scheme'."""
    return f"{ranker}/{scheme}"


def llm_system(llm: str) -> str:
    """Name of the system 'always this LLM'."""
    return f"llm:{llm}"


def preference_system(ranker: str) -> str:
    """Name of the system 'what this ranker prefers, pair by pair', before any scheme."""
    return f"{ranker}/{PREFERENCE}"


def measure_system(measure: str) -> str:
    """Name of the system 'the quality itself, by this measure'."""
    return f"quality[{measure}]"


def best_single_system(measure: str) -> str:
    """Name of BestSingle by this measure, where several measures stand beside each other."""
    return f"{BEST_SINGLE}[{measure}]"


def judge_system(judge: str) -> str:
    """Name of a judge as a system, which others are compared with."""
    return f"judge:{judge}"


def is_ranking(name: str) -> bool:
    """Whether a system is a ranker with a scheme or its preference; other names may hold '/'."""
    others = (llm_system(""), judge_system(""), "quality[", f"{BEST_SINGLE}[")
    return "/" in name and not name.startswith(others)


def short_system(name: str) -> str:
    """A ranker's run id cut to eight characters, and the settings that are usual left out."""
    if not is_ranking(name):
        return name
    ranker, _, scheme = name.partition("/")
    return f"{short(ranker)}/{scheme if scheme == PREFERENCE else short_scheme(scheme)}"


def gather(
    store: Store, dataset: str, split: str, measure: str, rankings: Rankings
) -> Systems | None:
    """The systems on one dataset and split; None where nothing there is measured so.

    Rankings that hold no prompt of the split are left out; of the others only prompts that all
    have ranked are kept, so that every comparison is paired. Both are told on the terminal.

    Raises:
        MissingInput: the validation split, on which BestSingle is chosen, has no such quality.
    """
    pool = _pool(store, dataset, split)
    if pool is None:
        return None
    quality = load_quality(store, pool, measure)
    kept = (pool.mask & np.isfinite(quality)).any(axis=1)
    if not kept.any():
        return None
    means, best = _chosen_on_validation(store, dataset, measure, pool.llms)
    place = f"{dataset}, {split}, {measure}"
    ranked, kept = ranked_by_all(store, pool, kept, rankings, place, "measured")
    single = single_scores(means, pool.llm, pool.mask)
    scores = {
        ORACLE: oracle_scores(quality, pool.mask),
        **ranked,
        BEST_SINGLE: single,
        LONGEST: longest_scores(pool.length, pool.mask),
        RANDOM: random_scores(pool.mask),
        **{
            llm_system(name): _llm_scores(means, i, pool, np.isfinite(quality))
            for i, name in enumerate(pool.llms)
        },
    }
    return Systems(pool, quality, scores, single, pool.llms[best]).subset(kept)


def ranked_by_all(
    store: Store, pool: Pool, wanted: np.ndarray, rankings: Rankings, place: str, what: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Scores [Q, N] of the rankings that hold any wanted prompt, and [Q] the wanted ones that all
    of these hold. What is lost by that is told on the terminal: of `what` prompts of `place`.

    Raises:
        MissingInput: no prompt is ranked by all.
    """
    found = {r: load_scores(store, pool, *r) for r in rankings}
    held = {r: ~np.isnan(scores).any(axis=1) for r, scores in found.items()}
    lacking = {r: int((wanted & ~held[r]).sum()) for r in rankings}
    every = int(wanted.sum())
    used = [r for r in rankings if lacking[r] < every]
    kept = np.logical_and.reduce([wanted, *(held[r] for r in used)])
    _say_lost(place, what, lacking, every, int(kept.sum()))
    if not kept.any():
        raise MissingInput(
            f"no prompt of {place} is ranked by all of "
            f"{', '.join(ranker_system(*r) for r in used)}: evaluate them one by one"
        )
    return {ranker_system(*r): found[r] for r in used}, kept


def _say_lost(
    place: str, what: str, lacking: dict[tuple[str, str], int], every: int, left: int
) -> None:
    """Tells which rankings have cost prompts, and how many, or are left out altogether."""
    names = {short_system(ranker_system(*r)): n for r, n in lacking.items() if n}
    if absent := [name for name, n in names.items() if n == every]:
        terminal.say(f"{place}: no prompt is ranked by {', '.join(absent)}")
    if partial := [f"{name} lacks {n}" for name, n in names.items() if n < every]:
        terminal.say(
            f"{place}: {left} of {every} {what} prompts are ranked by all and evaluated; "
            f"{', '.join(partial)}"
        )


def _pool(store: Store, dataset: str, split: str) -> Pool | None:
    rows = store.query(
        "select count(*) n from prompts where dataset = ? and split = ?", [dataset, split]
    )
    return load_pool(store, [dataset], split) if rows["n"][0].as_py() else None


def _chosen_on_validation(
    store: Store, dataset: str, measure: str, llms: list[str]
) -> tuple[np.ndarray, int]:
    """Mean quality on validation of each of `llms` (NaN: too few prompts), and the best's index."""
    means = _validation_means(store, dataset, measure, llms)
    if means is None:
        raise MissingInput(
            f"{dataset} has no validation prompt measured by {measure}: BestSingle is chosen there"
        )
    if not np.isfinite(means).any():
        raise MissingInput(
            f"none of {', '.join(llms)} has a validation prompt of {dataset} measured by "
            f"{measure}: BestSingle is chosen there"
        )
    return means, int(np.nanargmax(means))


def _validation_means(
    store: Store, dataset: str, measure: str, llms: list[str]
) -> np.ndarray | None:
    """Mean quality on validation of each of `llms`, NaN where it has none or too few prompts;
    None where no prompt of validation is measured."""
    pool = _pool(store, dataset, "validation")
    quality = load_quality(store, pool, measure) if pool else None
    if pool is None or quality is None or not np.isfinite(quality[pool.mask]).any():
        return None
    # An LLM that is not among those to choose from has no say in how many prompts are enough.
    choosable = pool.mask & np.isin(np.array([*pool.llms, ""])[pool.llm], llms)
    if not np.isfinite(quality[choosable]).any():
        return np.full(len(llms), np.nan)
    values, _ = best_single(quality, pool.llm, choosable, len(pool.llms))
    by_name = dict(zip(pool.llms, values, strict=True))
    return np.array([by_name.get(name, np.nan) for name in llms])


def best_single_scores(store: Store, dataset: str, measure: str, pool: Pool) -> np.ndarray | None:
    """Scores [Q, N] of BestSingle by a measure; None where validation cannot choose it."""
    means = _validation_means(store, dataset, measure, pool.llms)
    if means is None or not np.isfinite(means).any():
        return None
    return single_scores(means, pool.llm, pool.mask)


def _llm_scores(means: np.ndarray, llm: int, pool: Pool, known: np.ndarray) -> np.ndarray:
    """[Q, N] scores of 'always this LLM': it comes first, the others as BestSingle has them.

    Only where it has a measured candidate; elsewhere −inf, for no other LLM answers in its name.
    """
    first = np.where(np.isfinite(means), means, np.nanmin(means) - 1.0)
    first[llm] = np.nanmax(means) + 1.0
    answers = (pool.mask & known & (pool.llm == llm)).any(axis=1, keepdims=True)
    return np.where(answers, single_scores(first, pool.llm, pool.mask), -np.inf)
