"""What a trial is worth: quality of its top K, and the comparisons that it needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.aggregation import Scheme, prompt_keys
from workbench.errors import MissingInput
from workbench.evaluation import top_k_best, top_k_mean
from workbench.store.pool import Pool, load_logits, load_pool, load_quality
from workbench.store.store import Store


@dataclass
class Compared:
    """Stored logits and qualities of one split: all that trials need, no encoder.

    Attributes:
        pool, logits, quality: [Q, N], [Q, N, N] and [Q, N] of prompts that were compared.
    """

    pool: Pool
    logits: np.ndarray
    quality: np.ndarray

    def scores(self, scheme: Scheme) -> np.ndarray:
        """[Q, N] scores of a scheme."""
        return scheme.scores(self.logits, self.pool.mask, prompt_keys(self.pool.prompt_ids))

    def figures(self, scheme: Scheme, top_k: int) -> dict[str, np.ndarray]:
        """Per prompt [Q]: `mean` and `best` quality of the top K, `comparisons` needed."""
        return self.figures_of(scheme, [top_k])[top_k]

    def figures_of(self, scheme: Scheme, sizes: Iterable[int]) -> dict[int, dict[str, np.ndarray]]:
        """The figures of a scheme at several K; its scores, which cost most, are made once."""
        scores, mask = self.scores(scheme), self.pool.mask
        comparisons = scheme.comparisons(mask).astype(float)
        return {
            k: {
                "mean": top_k_mean(scores, self.quality, mask, k),
                "best": top_k_best(scores, self.quality, mask, k),
                "comparisons": comparisons,
            }
            for k in sizes
        }


def load_compared(
    store: Store, ranker: str, measure: str, datasets: Sequence[str] | None, split: str
) -> Compared:
    """The prompts of a split that the ranker has compared and that the measure knows.

    Raises:
        MissingInput: there is none.
    """
    pool = load_pool(store, datasets, split)
    logits, quality = load_logits(store, pool, ranker), load_quality(store, pool, measure)
    usable = np.isfinite(logits).any(axis=(1, 2)) & np.isfinite(quality).any(axis=1)
    if not usable.any():
        raise MissingInput(
            f"{ranker} has compared no prompt of split '{split}' that {measure} "
            f"measures: run `workbench compare --splits {split}`"
        )
    return Compared(pool.subset(usable), logits[usable], quality[usable])
