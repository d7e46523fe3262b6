"""Similarity-weighted ranking: a Bradley–Terry model for each prompt, of comparisons on like ones.

RouteLLM (Ong et al., 2024, arXiv 2406.18665), "similarity-weighted (SW) ranking": a training
prompt q' counts `γ^(1 + S(q, q'))` for a prompt q, S their cosine over the highest that q has with
any. There with γ = 10 for battles of two LLMs, here for the rewards of any.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.aggregation.logits import check_positive, sigmoid
from workbench.aggregation.newton import maximise
from workbench.errors import BadValue
from workbench.models.vectors import unit_length
from workbench.routing.embedding_router import EmbeddingRouter
from workbench.routing.selection import best_setting, reward_slope, several
from workbench.routing.tfidf import TfidfVectors

_CELLS = 1 << 24  # numbers of an array at most


class SimilarityBradleyTerryRouter(EmbeddingRouter):
    """Strengths of the LLMs, a prompt, in which training prompts count by how like they are.

    Two LLMs meet on a prompt where both rewards are known: the higher wins, equal ones are half a
    win for each. On validation the factor is found that brings strengths to the scale of the
    rewards.

    Args:
        encoder: see `EmbeddingRouter`.
        gamma: how much more the most similar prompt counts than one without any likeness, above
            1; of several the best on validation is taken. The larger, the more local.
        prior: precision of the Gaussian prior on each strength; the most similar training prompt
            counts as one comparison of each pair.
        **options: see `EmbeddingRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TfidfVectors,
        *,
        gamma: float | Sequence[float] = 10.0,
        prior: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        if min(several("gamma", gamma)) <= 1:
            raise BadValue("gamma", gamma, "numbers above 1")
        check_positive(prior=prior)

    def learn(
        self,
        vectors: np.ndarray,
        rewards: np.ndarray,
        held_out_vectors: np.ndarray,
        held_out_rewards: np.ndarray,
    ) -> None:
        """Keeps the prompts; chooses gamma, finds the scale of the rewards."""
        self._vectors, self._rewards = unit_length(vectors), rewards
        self.chosen["gamma"], _ = best_setting(
            several("gamma", self.hparams["gamma"]),
            lambda gamma: gamma,
            lambda gamma: self._strengths(held_out_vectors, gamma),
            held_out_rewards,
        )
        strengths = self._strengths(held_out_vectors, self.chosen["gamma"])
        self._slope = reward_slope(strengths, held_out_rewards)

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Strengths [P, L], their differences in the unit of the rewards; mean 0 a prompt."""
        return self._strengths(vectors, self.chosen["gamma"]) * self._slope

    def _strengths(self, vectors: np.ndarray, gamma: float) -> np.ndarray:
        unit = unit_length(vectors)
        pairs = self._rewards.shape[1] ** 2
        size = max(1, _CELLS // max(len(self._rewards), pairs))
        parts = [
            _fit(
                self._wins(_weights(unit[start : start + size], self._vectors, gamma)), self._prior
            )
            for start in range(0, len(unit), size)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self._rewards.shape[1]))

    @property
    def _prior(self) -> float:
        return float(self.hparams["prior"])

    def _wins(self, weights: np.ndarray) -> np.ndarray:
        """[P, L, L] weighted wins of i over j, from weights [P, Q] of the training prompts."""
        llms = self._rewards.shape[1]
        total = np.zeros((len(weights), llms * llms))
        size = max(1, _CELLS // (llms * llms))
        for start in range(0, len(self._rewards), size):
            part = self._rewards[start : start + size]
            left, right = part[:, :, None], part[:, None, :]
            wins = (left > right) + 0.5 * (left == right)
            total += weights[:, start : start + size] @ wins.reshape(len(part), -1)
        return total.reshape(-1, llms, llms)

    def learned_arrays(self) -> dict[str, np.ndarray]:
        """The training prompts' vectors and rewards, gamma and the scale."""
        known = np.isfinite(self._rewards)
        return {
            "vectors": self._vectors,
            "rewards": np.where(known, self._rewards, 0.0),
            "known": known,
            "gamma": np.array([self.chosen["gamma"]]),
            "slope": np.array([self._slope]),
        }

    def take_learned(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes them."""
        self._vectors = arrays["vectors"]
        self._rewards = np.where(arrays["known"], arrays["rewards"], np.nan)
        self.chosen["gamma"] = float(arrays["gamma"][0])
        self._slope = float(arrays["slope"][0])


def _weights(unit: np.ndarray, training: np.ndarray, gamma: float) -> np.ndarray:
    """[P, Q] γ^(S − 1): 1 for the most similar training prompt.

    Where no likeness is above 0 all count alike.
    """
    cosine = (unit @ training.T).astype(np.float64)
    most = cosine.max(axis=1, keepdims=True)
    likeness = np.divide(cosine, most, out=np.ones_like(cosine), where=most > 1e-6)
    weights: np.ndarray = np.exp((likeness - 1.0) * np.log(gamma))
    return weights


def _fit(wins: np.ndarray, prior: float) -> np.ndarray:
    """[P, L] strengths under which the weighted wins [P, L, L] are most likely."""
    llms = wins.shape[1]
    diagonal = np.arange(llms)
    wins = wins.copy()
    wins[:, diagonal, diagonal] = 0.0
    met = wins + wins.transpose(0, 2, 1)

    def derivatives(rows: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        expected = sigmoid(theta[:, :, None] - theta[:, None, :])
        gradient = (wins[rows] - met[rows] * expected).sum(axis=2) - prior * theta
        curvature = met[rows] * expected * (1.0 - expected)
        hessian = -curvature
        hessian[:, diagonal, diagonal] += curvature.sum(axis=2) + prior
        return gradient, hessian

    return maximise(derivatives, np.zeros(wins.shape[:2]), f"similarity_bradley_terry({prior=})")
