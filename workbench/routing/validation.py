"""Validation by what a router is for: the quality of the LLM that it would ask."""

from dataclasses import dataclass

import numpy as np

_FIGURES = ("quality", "best_single", "oracle", "gap_closed", "accuracy")


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

        A prompt without any reward is left out, and one whose utilities are all NaN: it was not
        looked at. What no prompt is left for is NaN.
        """
        seen = np.isfinite(self.rewards).any(axis=1) & ~np.isnan(utilities).all(axis=1)
        if not seen.any():
            return dict.fromkeys(_FIGURES, float("nan"))
        return _metrics(self.rewards[seen], utilities[seen])


def _metrics(rewards: np.ndarray, utilities: np.ndarray) -> dict[str, float]:
    known = np.isfinite(rewards)
    filled = np.where(known, rewards, 0.0)
    scores = np.where(known, utilities, -np.inf)
    chosen = known & (scores == scores.max(axis=1, keepdims=True))
    share = chosen / chosen.sum(axis=1, keepdims=True)
    quality = float((share * filled).sum(axis=1).mean())
    best = np.where(known, rewards, -np.inf).max(axis=1)
    worst = np.where(known, rewards, np.inf).min(axis=1)
    oracle, single = float(best.mean()), _best_single(known, filled)
    hit = (share * (filled == best[:, None])).sum(axis=1)
    differ = best > worst
    return {
        "quality": quality,
        "best_single": single,
        "oracle": oracle,
        "gap_closed": (quality - single) / (oracle - single) if oracle > single else 0.0,
        "accuracy": float(hit[differ].mean()) if differ.any() else float("nan"),
    }


def _best_single(known: np.ndarray, filled: np.ndarray) -> float:
    """Mean of the best LLM that is measured on at least half as many prompts as any."""
    count = known.sum(axis=0)
    enough = (count > 0) & (count >= count.max() / 2)
    means = np.where(enough, filled.sum(axis=0) / np.maximum(count, 1), -np.inf)
    return float(means.max())
