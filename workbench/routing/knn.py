"""k nearest neighbours: what each LLM was worth on the training prompts most like this one.

The usual strong baseline of routing; RouterBench (Hu et al., 2024, arXiv 2403.12031).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from sklearn.neighbors import KNeighborsRegressor

from workbench.errors import UnknownName
from workbench.routing.embedding_router import EmbeddingRouter
from workbench.routing.selection import best_setting, known_means, known_together, several
from workbench.routing.tfidf import TfidfVectors

_WEIGHTS = ("uniform", "distance")


class KNNRouter(EmbeddingRouter):
    """Mean reward of each LLM over the nearest training prompts, by cosine.

    An LLM's neighbours are those on which its reward is known.

    Args:
        encoder: see `EmbeddingRouter`.
        neighbours: how many; of several numbers the best on validation is taken.
        weights: "uniform", or "distance": neighbours count by 1 / (1 − cosine).
        **options: see `EmbeddingRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TfidfVectors,
        *,
        neighbours: int | Sequence[int] = (10, 20, 40, 80, 160),
        weights: Literal["uniform", "distance"] = "uniform",
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        several("neighbours", neighbours)
        if weights not in _WEIGHTS:
            raise UnknownName("weights", weights, _WEIGHTS)

    def learn(
        self,
        vectors: np.ndarray,
        rewards: np.ndarray,
        held_out_vectors: np.ndarray,
        held_out_rewards: np.ndarray,
    ) -> None:
        """Keeps the prompts; chooses the number of neighbours."""
        self._vectors, self._rewards = vectors, rewards
        self.chosen["neighbours"], _ = best_setting(
            several("neighbours", self.hparams["neighbours"]),
            lambda neighbours: neighbours,
            lambda neighbours: self._means(held_out_vectors, neighbours),
            held_out_rewards,
        )

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Means of neighbours [P, L], in the unit of the rewards."""
        return self._means(vectors, int(self.chosen["neighbours"]))

    def _means(self, vectors: np.ndarray, neighbours: int) -> np.ndarray:
        found = np.empty((len(vectors), self._rewards.shape[1]))
        for rows, columns in known_together(self._rewards):
            nearest = KNeighborsRegressor(
                min(neighbours, len(rows)), weights=self.hparams["weights"], metric="cosine"
            )
            nearest.fit(self._vectors[rows], self._rewards[np.ix_(rows, columns)])
            found[:, columns] = nearest.predict(vectors)
        found[~vectors.any(axis=1)] = known_means(self._rewards)  # like none: all are as near
        return found

    def learned_arrays(self) -> dict[str, np.ndarray]:
        """The training prompts' vectors and rewards."""
        known = np.isfinite(self._rewards)
        return {
            "vectors": self._vectors,
            "rewards": np.where(known, self._rewards, 0.0),
            "known": known,
            "neighbours": np.array([int(self.chosen["neighbours"])]),
        }

    def take_learned(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes them."""
        self._vectors = arrays["vectors"]
        self._rewards = np.where(arrays["known"], arrays["rewards"], np.nan)
        self.chosen["neighbours"] = int(arrays["neighbours"][0])
