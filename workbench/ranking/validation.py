"""Validation by what the ranker is for: the quality of the candidate that it picks."""

from dataclasses import dataclass

import numpy as np

from workbench.aggregation.counting import max_logits
from workbench.aggregation.preferences import preferences
from workbench.evaluation.baselines import best_single


@dataclass(frozen=True)
class PickValidation:
    """Held-out prompts with measured candidates.

    Attributes:
        quality: [Q, N] by the first measure, NaN where not measured.
        llm: [Q, N] int, -1 outside the pool.
    """

    quality: np.ndarray
    llm: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """[Q, N] candidates to choose from: those that were measured."""
        return ~np.isnan(self.quality)

    @property
    def logits_shape(self) -> tuple[int, int, int]:
        """Shape [Q, N, N] of the logits to be collected."""
        prompts, width = self.quality.shape
        return prompts, width, width

    def metrics(self, logits: np.ndarray) -> dict[str, float]:
        """Numbers of one validation, from logits [Q, N, N] (NaN where not compared).

        `quality`: mean quality of MaxLogits' pick. `best_single`, `oracle`: of the LLM with the
        highest mean on these prompts, and of the best candidate of each. `gap_closed`: where
        the pick lies between them (0 and 1). `pairwise_accuracy`: share of pairs that differ in
        quality whose order-free preference has the right sign, where 0 counts half; NaN where no
        such pair was compared.
        """
        mask = self.mask
        known = np.where(mask, self.quality, -np.inf)
        pick = max_logits(logits, mask).argmax(axis=1)
        quality = float(np.take_along_axis(known, pick[:, None], axis=1).mean())
        oracle = float(known.max(axis=1).mean())
        single = self._best_single()
        between = oracle - single
        return {
            "quality": quality,
            "best_single": single,
            "oracle": oracle,
            "gap_closed": (quality - single) / between if between > 0 else 0.0,
            "pairwise_accuracy": self._pairwise_accuracy(preferences(logits, mask)),
        }

    def _pairwise_accuracy(self, preference: np.ndarray) -> float:
        i, j = np.triu_indices(self.quality.shape[1], 1)
        gap = self.quality[:, i] - self.quality[:, j]
        guess = preference[:, i, j]
        counts = ~np.isnan(gap) & (gap != 0) & ~np.isnan(guess)
        right = 0.5 * (1.0 + np.sign(gap[counts]) * np.sign(guess[counts]))
        return float(right.mean()) if counts.any() else float("nan")

    def _best_single(self) -> float:
        means, best = best_single(self.quality, self.llm, self.mask, int(self.llm.max()) + 1)
        return float(means[best])
