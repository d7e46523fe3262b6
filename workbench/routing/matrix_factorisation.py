"""Matrix factorisation: how well an LLM and a prompt suit each other, learned from preferences.

RouteLLM (Ong et al., 2024, arXiv 2406.18665), "matrix factorization": with
`δ(M, q) = w₂ᵀ (v_M ⊙ (W₁ᵀ v_q + b))`, M beats M' on q with probability `σ(δ(M, q) − δ(M', q))`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize

from workbench import terminal
from workbench.errors import BadValue
from workbench.routing.best_epoch import BestEpoch
from workbench.routing.embedding_router import EmbeddingRouter
from workbench.routing.selection import reward_slope
from workbench.routing.tfidf import TfidfVectors

_NAMES = ("projection", "bias", "llms", "last")


class MatrixFactorisationRouter(EmbeddingRouter):
    """Learns from every pair of LLMs whose rewards on a prompt differ which of them is better.

    The epoch with the least loss on validation is kept, and there the factor is found that brings
    scores to the scale of the rewards.

    Args:
        encoder: see `EmbeddingRouter`.
        dimensions: of an LLM's and a projected prompt's vector.
        lr: learning rate of AdamW.
        weight_decay: its weight decay.
        batch_size: prompts of a step.
        epochs: at most.
        patience: epochs without a smaller loss on validation before it stops.
        seed: of weights and order.
        **options: see `EmbeddingRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TfidfVectors,
        *,
        dimensions: int = 64,
        lr: float = 3e-3,
        weight_decay: float = 1e-3,
        batch_size: int = 64,
        epochs: int = 100,
        patience: int = 10,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        for name in ("dimensions", "lr", "batch_size", "epochs", "patience"):
            if not (value := self.hparams[name]) > 0:
                raise BadValue(name, value, "a positive number")
        if weight_decay < 0:
            raise BadValue("weight_decay", weight_decay, "0 or more")

    def learn(
        self,
        vectors: np.ndarray,
        rewards: np.ndarray,
        held_out_vectors: np.ndarray,
        held_out_rewards: np.ndarray,
    ) -> None:
        """Trains the factors; finds the scale of the rewards."""
        train, held_out = _telling(vectors, rewards), _telling(held_out_vectors, held_out_rewards)
        self._parts, self._slope = self._train(train, held_out), 1.0
        self._slope = reward_slope(self.predict(held_out_vectors), held_out_rewards)

    def _train(
        self, train: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]
    ) -> dict[str, Tensor]:
        h = self.hparams
        x, rewards = train
        random = torch.Generator().manual_seed(h["seed"])
        parts = _start(x.shape[1], h["dimensions"], rewards.shape[1], random)
        optimizer = torch.optim.AdamW(parts.values(), lr=h["lr"], weight_decay=h["weight_decay"])
        best: BestEpoch[dict[str, Tensor]] = BestEpoch(h["patience"])
        with terminal.progress("matrix factorisation", h["epochs"], "epochs") as advance:
            for _ in range(h["epochs"]):
                for rows in torch.randperm(len(x), generator=random).split(h["batch_size"]):
                    optimizer.zero_grad()
                    preference_loss(_scores(parts, x[rows]), rewards[rows]).backward()
                    optimizer.step()
                advance(1)
                if best.ends(_loss(parts, *held_out), lambda: _copy(parts)):
                    break
        return best.weights(h["lr"])

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Scores [P, L], their differences in the unit of the rewards."""
        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(vectors, np.float32))
            found: np.ndarray = _scores(self._parts, x).numpy().astype(np.float64) * self._slope
        return found

    def learned_arrays(self) -> dict[str, np.ndarray]:
        """The factors and the scale."""
        arrays = {name: part.numpy() for name, part in self._parts.items()}
        return arrays | {"slope": np.array([self._slope])}

    def take_learned(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes them."""
        self._parts = {name: torch.from_numpy(arrays[name]) for name in _NAMES}
        self._slope = float(arrays["slope"][0])


def preference_loss(scores: Tensor, rewards: Tensor) -> Tensor:
    """Mean of −log σ(s_i − s_j) over the pairs of a prompt [B, L] with r_i > r_j.

    A reward that is NaN is greater or less than none; 0 without any pair.
    """
    wins = rewards[:, :, None] > rewards[:, None, :]
    gaps = scores[:, :, None] - scores[:, None, :]
    return -(logsigmoid(gaps) * wins).sum() / wins.sum().clamp(min=1)


def _loss(parts: Mapping[str, Tensor], x: Tensor, rewards: Tensor) -> float | None:
    if not len(x):
        return None
    with torch.no_grad():
        return float(preference_loss(_scores(parts, x), rewards))


def _copy(parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: part.detach().clone() for name, part in parts.items()}


def _telling(vectors: np.ndarray, rewards: np.ndarray) -> tuple[Tensor, Tensor]:
    """The prompts on which known rewards differ."""
    rows = np.fmax.reduce(rewards, axis=1) > np.fmin.reduce(rewards, axis=1)
    kept = np.ascontiguousarray(vectors[rows], np.float32)
    return torch.from_numpy(kept), torch.from_numpy(rewards[rows])


def _start(width: int, dimensions: int, llms: int, random: torch.Generator) -> dict[str, Tensor]:
    """Random factors; prompts' vectors have length 1, or about."""
    shapes = {
        "projection": (width, dimensions),
        "bias": (dimensions,),
        "llms": (llms, dimensions),
        "last": (dimensions,),
    }
    return {
        name: (torch.randn(shapes[name], generator=random) * (name != "bias")).requires_grad_()
        for name in _NAMES
    }


def _scores(parts: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """δ [B, L] of vectors [B, D]; an LLM's vector has length 1."""
    prompts = (x @ parts["projection"] + parts["bias"]) * parts["last"]
    return prompts @ normalize(parts["llms"], dim=1).T
