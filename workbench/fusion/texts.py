"""What a fuser is trained and judged on: prompts with references and their candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import MissingInput
from workbench.quality import MEASURES
from workbench.store.pool import Pool, load_pool, load_references, load_texts
from workbench.store.store import Store


@dataclass(frozen=True)
class Texts:
    """What is known of Q prompts with a reference.

    Attributes:
        pool: the prompts.
        instructions, inputs, references: [Q] texts.
        candidates: [Q, N] texts, None outside the pool's mask.
    """

    pool: Pool
    instructions: list[str]
    inputs: list[str]
    references: list[str]
    candidates: np.ndarray

    def shown(self, places: Sequence[np.ndarray]) -> list[list[str]]:
        """Texts of the candidates at some places of each prompt."""
        return [row[some].tolist() for row, some in zip(self.candidates, places, strict=True)]


@dataclass(frozen=True)
class FusionValidation:
    """Held-out prompts with the candidates that are shown, the same in every epoch.

    Attributes:
        prompt_ids, instructions, inputs, references: [Q].
        candidates: of each prompt, in the order to be shown.
        picks: [Q] the ranker's first.
        measure: judges what is written.
    """

    prompt_ids: list[str]
    instructions: list[str]
    inputs: list[str]
    references: list[str]
    candidates: list[list[str]]
    picks: list[str]
    measure: str

    def worth(self, rows: Sequence[int], texts: Sequence[str]) -> dict[str, float]:
        """Mean quality of the texts written for some prompts, of the ranker's picks, which are
        shown first where the order is by rank, and of the best that each was shown."""
        measure = MEASURES[self.measure]
        references = [self.references[row] for row in rows]
        shown = [self.candidates[row] for row in rows]
        picks = [self.picks[row] for row in rows]
        sizes = np.array([len(some) for some in shown])
        every = measure(
            [text for some in shown for text in some], np.repeat(references, sizes).tolist()
        )
        starts = np.cumsum(sizes) - sizes
        return {
            "quality": float(np.mean(measure(list(texts), references))),
            "first_shown": float(np.mean(measure(picks, references))),
            "best_shown": float(np.maximum.reduceat(every, starts).mean()),
        }


def referenced_pool(
    store: Store,
    split: str,
    datasets: Sequence[str] | None,
    llms: Sequence[str] | None,
    most: int | None,
    seed: int,
) -> Pool:
    """The prompts of a split that have a reference, or a seeded subset of at most `most`.

    Raises:
        MissingInput: there is none.
    """
    pool = load_pool(store, datasets, split, llms, with_text=True)
    chosen = np.flatnonzero([r is not None for r in load_references(store, pool)])
    if not len(chosen):
        raise MissingInput(f"no prompt of the split {split} has a reference to learn from")
    if most is not None and most < len(chosen):
        random = np.random.default_rng([seed, 4])
        chosen = np.sort(random.permutation(chosen)[:most])
    return pool.subset(chosen)


def load_referenced(store: Store, pool: Pool) -> Texts:
    """Texts of prompts that have a reference."""
    asked, candidates = load_texts(store, pool)
    references = [str(reference) for reference in load_references(store, pool)]
    return Texts(pool, [i for i, _ in asked], [x for _, x in asked], references, candidates)
