"""Ridge regression of each LLM's reward on the prompt's vector.

A predictive router of RouterBench (Hu et al., 2024, arXiv 2403.12031), in its simplest form.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

from workbench.routing.embedding_router import EmbeddingRouter
from workbench.routing.selection import best_setting, known_together, several
from workbench.routing.tfidf import TfidfVectors


class LinearRouter(EmbeddingRouter):
    """Predicts rewards linearly, each LLM's from the prompts on which it is known.

    Args:
        encoder: see `EmbeddingRouter`.
        alpha: penalty on the squared weights; of several the best on validation is taken.
        **options: see `EmbeddingRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TfidfVectors,
        *,
        alpha: float | Sequence[float] = (0.1, 1.0, 10.0, 100.0, 1000.0),
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        several("alpha", alpha)

    def learn(
        self,
        vectors: np.ndarray,
        rewards: np.ndarray,
        held_out_vectors: np.ndarray,
        held_out_rewards: np.ndarray,
    ) -> None:
        """Fits the weights for each alpha; keeps the best."""
        x = vectors.astype(np.float64)
        self.chosen["alpha"], (self._weights, self._intercept) = best_setting(
            several("alpha", self.hparams["alpha"]),
            lambda alpha: _ridge(x, rewards, alpha),
            lambda fitted: held_out_vectors @ fitted[0].T + fitted[1],
            held_out_rewards,
        )

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Predicted rewards [P, L]."""
        found: np.ndarray = vectors @ self._weights.T + self._intercept
        return found

    def learned_arrays(self) -> dict[str, np.ndarray]:
        """The weights."""
        return {"weights": self._weights, "intercept": self._intercept}

    def take_learned(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes them."""
        self._weights, self._intercept = arrays["weights"], arrays["intercept"]


def _ridge(x: np.ndarray, rewards: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights [L, D] and intercepts [L]."""
    llms = rewards.shape[1]
    weights, intercept = np.empty((llms, x.shape[1])), np.empty(llms)
    for rows, columns in known_together(rewards):
        fitted = Ridge(alpha).fit(x[rows], rewards[np.ix_(rows, columns)])
        weights[columns] = fitted.coef_.reshape(len(columns), -1)
        intercept[columns] = fitted.intercept_
    return weights, intercept
