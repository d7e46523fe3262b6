"""Bubble: one pass that keeps the winner (LLM-Blender, section 3.3)."""

import numpy as np

from workbench.aggregation.lock_step import Round, Rounds
from workbench.aggregation.seeds import check_seed, shuffled


def bubble(mask: np.ndarray, keys: np.ndarray, *, seed: int = 0) -> Rounds:
    """Bubble: along a seeded permutation the winner of `L_ab − L_ba` meets the next candidate.

    n − 1 pairs, one a round; only the first is known, so the winner scores 1 and all others 0
    (they share rank 2). An exact tie keeps the one that came first in the permutation.

    Args:
        mask: [Q, N] bool.
        keys: [Q] uint64 that stand for the prompts.
        seed: of the permutation, see `shuffled`.

    Raises:
        BadValue: a seed that cannot be used.
    """
    check_seed(seed)
    scores = np.where(mask, 0.0, -np.inf)
    if mask.size == 0:
        return scores
    queue = shuffled(mask, seed, keys)
    candidates = mask.sum(axis=1)
    best = queue[:, 0].copy()
    for step in range(1, int(candidates.max())):
        prompt = np.flatnonzero(step < candidates)
        challenger = queue[prompt, step]
        verdicts = yield Round(prompt, best[prompt], challenger)
        best[prompt] = np.where(verdicts < 0, challenger, best[prompt])
    some = np.flatnonzero(candidates > 0)
    scores[some, best[some]] = 1.0
    return scores
