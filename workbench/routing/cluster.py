"""Clusters of prompts: what each LLM was worth on the training prompts of the same cluster.

The Avengers (Zhang et al., 2025, arXiv 2505.19797): embedding, clustering and scoring.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin

from workbench.errors import BadValue
from workbench.routing.embedding_router import EmbeddingRouter
from workbench.routing.selection import best_setting, known_means, several
from workbench.routing.tfidf import TfidfVectors

_STARTS = 4


class ClusterRouter(EmbeddingRouter):
    """Mean reward of each LLM in the cluster (k-means) whose centre is nearest.

    Means of few prompts are drawn towards the LLM's mean over all:
    `(Σ rewards + shrinkage · overall mean) / (n + shrinkage)`.

    Args:
        encoder: see `EmbeddingRouter`.
        clusters: how many; of several numbers the best on validation is taken. Never more than
            there are training prompts.
        shrinkage: prompts that the overall mean counts as; 0: the paper's plain means.
        seed: of the first centres.
        **options: see `EmbeddingRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TfidfVectors,
        *,
        clusters: int | Sequence[int] = (8, 16, 32, 64, 128),
        shrinkage: float = 4.0,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        several("clusters", clusters)
        if not 0 <= shrinkage < float("inf"):
            raise BadValue("shrinkage", shrinkage, "0 or more prompts")

    def learn(
        self,
        vectors: np.ndarray,
        rewards: np.ndarray,
        held_out_vectors: np.ndarray,
        held_out_rewards: np.ndarray,
    ) -> None:
        """Makes the clusters for each count; keeps the best."""
        most = len(np.unique(vectors, axis=0))
        counts = several("clusters", self.hparams["clusters"])
        settings = list(dict.fromkeys(min(count, most) for count in counts))

        def learned(count: int) -> tuple[np.ndarray, np.ndarray]:
            seed = self.hparams["seed"]
            found = KMeans(count, n_init=_STARTS, random_state=seed).fit(vectors)
            means = _means(rewards, found.labels_, count, self.hparams["shrinkage"])
            return found.cluster_centers_, means

        self.chosen["clusters"], (self._centres, self._means) = best_setting(
            settings,
            learned,
            lambda found: found[1][_nearest(held_out_vectors, found[0])],
            held_out_rewards,
        )

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Means of clusters [P, L], in the unit of the rewards."""
        found: np.ndarray = self._means[_nearest(vectors, self._centres)]
        return found

    def learned_arrays(self) -> dict[str, np.ndarray]:
        """Centres and means."""
        return {"centres": self._centres, "means": self._means}

    def take_learned(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes them."""
        self._centres, self._means = arrays["centres"], arrays["means"]


def _nearest(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """[P] the cluster of each vector."""
    found: np.ndarray = pairwise_distances_argmin(vectors, centres)
    return found


def _means(rewards: np.ndarray, label: np.ndarray, count: int, shrinkage: float) -> np.ndarray:
    """[count, L] shrunk means of the known rewards [Q, L]; the overall one where none is known."""
    known = np.isfinite(rewards)
    member = np.equal.outer(np.arange(count), label).astype(np.float64)
    total, n = member @ np.where(known, rewards, 0.0), member @ known
    overall = known_means(rewards)
    shrunk = (total + shrinkage * overall) / np.maximum(n + shrinkage, np.finfo(float).tiny)
    return np.where(n > 0, shrunk, overall)
