"""How many clusters of prompts: as many as help to tell on validation which LLM is best."""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.cluster import KMeans

from workbench.routing.enhancement import tag_rewards
from workbench.routing.selection import known_means
from workbench.routing.validation import RouteValidation

_STARTS = 4


def clusters_of(vectors: np.ndarray, count: int, seed: int) -> KMeans:
    """k-means of vectors [Q, D]; never more clusters than there are different vectors."""
    most = len(np.unique(vectors, axis=0))
    return KMeans(min(count, most), n_init=_STARTS, random_state=seed).fit(vectors)


def best_clusters(
    vectors: np.ndarray,
    rewarded: np.ndarray,
    rewards: np.ndarray,
    held_out_vectors: np.ndarray,
    held_out_rewards: np.ndarray,
    counts: Sequence[int],
    seed: int,
    progress: Callable[[int], None],
) -> tuple[KMeans, dict[int, float]]:
    """The clusters whose number does best on validation, and what each number does there.

    What a number does is the mean reward of the LLM that is best, by its mean on the training
    prompts, in the cluster that a validation prompt falls into; in a cluster without rewards of an
    LLM its mean over all. Of equals the smallest number is taken.

    Args:
        vectors: [Q, D] of all training prompts, which alone make the clusters.
        rewarded: [R] index of those with rewards.
        rewards: [R, L], NaN where not known; every LLM has one.
        held_out_vectors: [H, D] of validation prompts.
        held_out_rewards: [H, L], NaN where not known.
        counts: numbers of clusters.
        seed: of the first centres.
        progress: told of each number that was tried.
    """
    validation, overall = RouteValidation(held_out_rewards), known_means(rewards)
    best, quality = None, dict[int, float]()
    for count in sorted(counts):
        made = clusters_of(vectors, count, seed)
        progress(1)
        if made.n_clusters in quality:
            continue
        each = np.arange(len(rewarded))
        means = tag_rewards(rewards, each, made.labels_[rewarded], made.n_clusters)
        means = np.where(np.isfinite(means), means, overall)
        found = validation.metrics(means[made.predict(held_out_vectors)])["quality"]
        if best is None or found > max(quality.values()):
            best = made
        quality[made.n_clusters] = found
    assert best is not None
    return best, quality
