"""Scores that the candidates to be shown are chosen by: a ranking's, or the quality itself."""

import numpy as np

from workbench.errors import MissingInput
from workbench.store.pool import Pool, load_quality, load_scores
from workbench.store.store import Store


def ranked_scores(
    store: Store, pool: Pool, split: str, ranker: str, scheme: str, seed: int
) -> np.ndarray:
    """[Q, N] scores of a ranking of the store, NaN where not ranked; random ones of the random
    ranker, whose scheme says so.

    Raises:
        MissingInput: a prompt without any ranked candidate.
    """
    if scheme.startswith("random("):
        return np.random.default_rng([seed, 6]).random(pool.mask.shape)
    scores = load_scores(store, pool, ranker, scheme)
    lacking = _lacking(scores, pool)
    if lacking:
        raise MissingInput(
            f"{lacking} of {len(scores)} prompts of the split {split} are not ranked by "
            f"{ranker[:8]} with {scheme}: run `workbench compare --splits {split}` and "
            "`workbench aggregate`, or train with train_candidates = quality"
        )
    return scores


def measured_scores(store: Store, pool: Pool, split: str, measure: str) -> np.ndarray:
    """[Q, N] qualities, NaN where not measured.

    Raises:
        UnknownName: the store holds no value of this measure.
        MissingInput: a prompt without any measured candidate.
    """
    quality = load_quality(store, pool, measure)
    lacking = _lacking(quality, pool)
    if lacking:
        raise MissingInput(
            f"{lacking} of {len(quality)} prompts of the split {split} are not measured by "
            f"{measure}: run `workbench measure`"
        )
    return quality


def _lacking(scores: np.ndarray, pool: Pool) -> int:
    return int((np.isnan(scores) | ~pool.mask).all(axis=1).sum())
