"""Validation by what a router is for: the quality of the LLM that it would ask."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RouteValidation:
    """Held-out prompts with the rewards [Q, L] of the LLMs, NaN where not measured."""

    rewards: np.ndarray

    def metrics(self, utilities: np.ndarray) -> dict[str, float]:
        """Numbers of one validation, from utilities [Q, L].

        `quality`: mean reward of the LLM of highest utility among those measured, ties shared.
        `best_single`, `oracle`: of the LLM with the highest mean here, and of each prompt's best.
        `gap_closed`: where the quality lies between them (0 and 1). `accuracy`: share of the
        prompts on which it chooses a best one, of those on which rewards differ.
        """
        known = np.isfinite(self.rewards)
        filled = np.where(known, self.rewards, 0.0)
        scores = np.where(known, utilities, -np.inf)
        chosen = scores == scores.max(axis=1, keepdims=True)
        share = chosen / chosen.sum(axis=1, keepdims=True)
        quality = float((share * filled).sum(axis=1).mean())
        best = np.where(known, self.rewards, -np.inf).max(axis=1)
        worst = np.where(known, self.rewards, np.inf).min(axis=1)
        oracle, single = float(best.mean()), self._best_single(known, filled)
        hit = (share * (filled == best[:, None]) * known).sum(axis=1)
        differ = best > worst
        return {
            "quality": quality,
            "best_single": single,
            "oracle": oracle,
            "gap_closed": (quality - single) / (oracle - single) if oracle > single else 0.0,
            "accuracy": float(hit[differ].mean()) if differ.any() else float("nan"),
        }

    def _best_single(self, known: np.ndarray, filled: np.ndarray) -> float:
        """Mean of the best LLM that is measured on at least half as many prompts as any."""
        count = known.sum(axis=0)
        enough = (count > 0) & (count >= count.max() / 2)
        means = np.where(enough, filled.sum(axis=0) / np.maximum(count, 1), -np.inf)
        return float(means.max())
