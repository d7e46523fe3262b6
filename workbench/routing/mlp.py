"""A multilayer perceptron from the prompt's vector to the rewards of all LLMs.

A predictive router of RouterBench (Hu et al., 2024, arXiv 2403.12031).
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.neural_network import MLPRegressor

from workbench import terminal
from workbench.errors import BadValue
from workbench.routing.best_epoch import BestEpoch
from workbench.routing.embedding_router import EmbeddingRouter
from workbench.routing.selection import known_means, known_together, several
from workbench.routing.tfidf import TfidfVectors

_Layers = tuple[list[np.ndarray], list[np.ndarray]]  # weights and biases


class MLPRouter(EmbeddingRouter):
    """Predicts rewards by a perceptron with ReLU, by squared error and Adam.

    LLMs whose rewards are known on the same prompts share one. The epoch with the least squared
    error on validation is kept.

    Args:
        encoder: see `EmbeddingRouter`.
        hidden: width of each hidden layer.
        alpha: penalty on the squared weights.
        lr: learning rate.
        batch_size: prompts of a step.
        epochs: at most.
        patience: epochs without a smaller error on validation before it stops.
        seed: of weights and order.
        **options: see `EmbeddingRouter`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TfidfVectors,
        *,
        hidden: Sequence[int] = (128,),
        alpha: float = 1e-3,
        lr: float = 1e-3,
        batch_size: int = 64,
        epochs: int = 100,
        patience: int = 10,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(encoder, **options)
        several("hidden", hidden)
        for name in ("alpha", "lr", "batch_size", "epochs", "patience"):
            if not (value := self.hparams[name]) > 0:
                raise BadValue(name, value, "a positive number")

    def learn(
        self,
        vectors: np.ndarray,
        rewards: np.ndarray,
        held_out_vectors: np.ndarray,
        held_out_rewards: np.ndarray,
    ) -> None:
        """Trains a perceptron for each group of LLMs that are known together."""
        self._groups: list[tuple[np.ndarray, _Layers]] = []
        with terminal.progress("perceptron", None, "epochs") as advance:
            for rows, columns in known_together(rewards):
                mean = known_means(rewards[:, columns])  # learned as it is, whatever the unit
                held_out = held_out_vectors, held_out_rewards[:, columns] - mean
                train = vectors[rows], rewards[np.ix_(rows, columns)] - mean
                weights, biases = self._train(*train, *held_out, advance)
                biases[-1] = biases[-1] + mean
                self._groups.append((columns, (weights, biases)))

    def _train(
        self, x: np.ndarray, y: np.ndarray, rest: np.ndarray, wanted: np.ndarray, advance: Any
    ) -> _Layers:
        """Weights and biases of the layers at the best epoch."""
        h = self.hparams
        network = MLPRegressor(
            hidden_layer_sizes=tuple(h["hidden"]),
            alpha=h["alpha"],
            learning_rate_init=h["lr"],
            batch_size=min(h["batch_size"], len(x)),
            # A number would give the batches of every epoch but the first the same prompts.
            random_state=np.random.RandomState(h["seed"]),
        )
        best: BestEpoch[_Layers] = BestEpoch(h["patience"])
        for _ in range(h["epochs"]):
            network.partial_fit(x, y.ravel() if y.shape[1] == 1 else y)
            advance(1)
            error = None
            if np.isfinite(wanted).any():
                told = _forward(rest, network.coefs_, network.intercepts_)
                error = float(np.nanmean((told - wanted) ** 2))
            if best.ends(error, lambda: copy.deepcopy((network.coefs_, network.intercepts_))):
                break
        return best.weights(h["lr"])

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Predicted rewards [P, L]."""
        found = np.empty((len(vectors), len(self.llms)))
        for columns, layers in self._groups:
            found[:, columns] = _forward(vectors, *layers)
        return found

    def learned_arrays(self) -> dict[str, np.ndarray]:
        """Weights and biases, group by group."""
        arrays: dict[str, np.ndarray] = {}
        for place, (columns, layers) in enumerate(self._groups):
            arrays[f"group{place}.llms"] = columns
            for layer, (weight, bias) in enumerate(zip(*layers, strict=True)):
                arrays[f"group{place}.layer{layer}.weight"] = weight
                arrays[f"group{place}.layer{layer}.bias"] = bias
        return arrays

    def take_learned(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes them."""
        layers = range(len(self.hparams["hidden"]) + 1)
        self._groups = []
        while (group := f"group{len(self._groups)}") + ".llms" in arrays:
            weights = [arrays[f"{group}.layer{layer}.weight"] for layer in layers]
            biases = [arrays[f"{group}.layer{layer}.bias"] for layer in layers]
            self._groups.append((arrays[f"{group}.llms"], (weights, biases)))


def _forward(x: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]) -> np.ndarray:
    """[P, outputs] of vectors [P, D]: ReLU between the layers."""
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = np.maximum(x @ weight + bias, 0.0)
    found: np.ndarray = x @ weights[-1] + biases[-1]
    return found
