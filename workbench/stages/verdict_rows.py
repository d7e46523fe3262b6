"""From the verdicts of each dataset and split to the rows of `results`: who agrees with them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from workbench import terminal
from workbench.aggregation.preferences import preferences
from workbench.evaluation.baselines import longest_scores, random_scores
from workbench.evaluation.verdict_report import evaluate_agreement, evaluate_judges
from workbench.evaluation.verdicts import score_preferences
from workbench.stages.result_rows import Row, bootstrap_options, result_row, slices
from workbench.stages.system_names import (
    LONGEST,
    RANDOM,
    best_single_system,
    judge_system,
    measure_system,
    preference_system,
)
from workbench.stages.systems import Rankings, best_single_scores, ranked_by_all
from workbench.store.pool import Pool, load_logits, load_pool, load_quality, names_of
from workbench.store.store import Store
from workbench.store.verdicts import Verdicts, judged_splits, load_verdicts


def verdict_rows(store: Store, config: dict[str, Any], rankings: Rankings) -> Iterator[Row]:
    """Agreement of every system with the judges of each dataset and split that has verdicts.

    Systems are the rankings, the pairwise preference of each of their rankers, Longest, Random,
    and by each measure BestSingle and the quality itself. Beside them stand the judges.

    Args:
        store: where verdicts, rankings, logits and qualities lie.
        config: `datasets`, `splits`, `measures` and the other options of the stage.
        rankings: pairs of a ranker and a scheme.

    Raises:
        MissingInput: see `systems.ranked_by_all`.
    """
    places = judged_splits(store, config["datasets"], config["splits"])
    if not places:
        return
    with terminal.progress("agreement with judges", len(places), "splits") as advance:
        for dataset, split in places:
            pool, verdicts = _judged(store, dataset, split)
            every = np.ones(len(pool.prompt_ids), bool)
            place = f"{dataset}, {split}, verdicts"
            scores, kept = ranked_by_all(store, pool, every, rankings, place, "judged")
            scores |= _beside(store, dataset, pool, config["measures"])
            said = {
                name: score_preferences(s, verdicts.q, verdicts.left, verdicts.right)
                for name, s in scores.items()
            }
            said |= _preferred(store, pool, verdicts, rankings)
            for name, prompts in slices(pool, config["min_category"]):
                yield from _figures(said, verdicts, prompts & kept, (dataset, split, name), config)
            advance()


def _judged(store: Store, dataset: str, split: str) -> tuple[Pool, Verdicts]:
    """The prompts of a dataset and split that have a verdict, and their verdicts."""
    pool = load_pool(store, [dataset], split)
    verdicts = load_verdicts(store, pool)
    judged = np.bincount(verdicts.q, minlength=len(pool.prompt_ids)) > 0
    return pool.subset(judged), verdicts.subset(judged)


def _beside(store: Store, dataset: str, pool: Pool, measures: list[str]) -> dict[str, np.ndarray]:
    """Scores [Q, N] of the systems that are no rankings."""
    scores = dict[str, np.ndarray]()
    for measure in measures:
        quality = load_quality(store, pool, measure)
        if np.isfinite(quality[pool.mask]).any():
            scores[measure_system(measure)] = quality
            single = best_single_scores(store, dataset, measure, pool)
            if single is not None:
                scores[best_single_system(measure)] = single
    scores[LONGEST] = longest_scores(pool.length, pool.mask)
    scores[RANDOM] = random_scores(pool.mask)
    return scores


def _preferred(
    store: Store, pool: Pool, verdicts: Verdicts, rankings: Rankings
) -> dict[str, np.ndarray]:
    """[P] the order-free preference of each ranker that has compared any of the pairs."""
    found = dict[str, np.ndarray]()
    for ranker in sorted({r for r, _ in rankings} & set(names_of(store, "ranker"))):
        D = preferences(load_logits(store, pool, ranker), pool.mask)
        said = D[verdicts.q, verdicts.left, verdicts.right]
        if np.isfinite(said).any():
            found[preference_system(ranker)] = said
    return found


def _figures(
    said: dict[str, np.ndarray],
    verdicts: Verdicts,
    prompts: np.ndarray,
    where: tuple[str, str, str],
    config: dict[str, Any],
) -> Iterator[Row]:
    pairs = prompts[verdicts.q]
    if not pairs.any():
        return
    votes, judges, q = verdicts.votes[pairs], verdicts.judges, verdicts.q[pairs]
    drawn = bootstrap_options(config)
    systems = {name: preference[pairs] for name, preference in said.items()}
    agreeing = evaluate_agreement(systems, systems[LONGEST], votes, judges, q, **drawn)
    for name, figures in agreeing.items():
        yield from (result_row(name, where, k, e) for k, e in figures.items())
    for judge, figures in evaluate_judges(votes, judges, q, **drawn).items():
        yield from (result_row(judge_system(judge), where, k, e) for k, e in figures.items())
