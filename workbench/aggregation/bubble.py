"""Bubble: one pass that keeps the winner (LLM-Blender, section 3.3)."""

import numpy as np

from workbench.aggregation.logits import clean_logits
from workbench.aggregation.preferences import order_free
from workbench.aggregation.seeds import check_seed, keys_or_shared, random_bits
from workbench.errors import BadValue


def bubble(
    L: np.ndarray, mask: np.ndarray, *, seed: int = 0, keys: np.ndarray | None = None
) -> np.ndarray:
    """Bubble: along a seeded permutation the winner of `L_ab − L_ba` meets the next candidate.

    n − 1 pairs are looked at; only the first is known, so the winner scores 1 and all others 0
    (they share rank 2). An exact tie keeps the one that came first in the permutation.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.
        seed: of the permutation, see `bubble_order`.
        keys: [Q] integers that stand for the prompts (`prompt_keys`), see `bubble_order`.

    Returns:
        [Q, N] float64: 1, 0, −inf outside the mask.

    Raises:
        BadValue: a pair that the pass needs was compared in neither order, or a seed or keys
            that cannot be used.
    """
    check_seed(seed)
    D = order_free(clean_logits(L, mask))
    queries, width = mask.shape
    scores = np.where(mask, 0.0, -np.inf)
    if width == 0:
        return scores
    order = bubble_order(mask, seed, keys)
    candidates = mask.sum(axis=1)
    rows = np.arange(queries)
    best = order[:, 0]
    for step in range(1, width):
        challenger = order[:, step]
        verdict = D[rows, best, challenger]
        meets = step < candidates
        missing = meets & np.isnan(verdict)
        if missing.any():
            row = int(np.flatnonzero(missing)[0])
            raise BadValue(
                f"pair ({best[row]}, {challenger[row]}) of prompt row {row}",
                None,
                f"a comparison in at least one order: bubble(seed={seed}) needs it",
            )
        best = np.where(verdict < 0, challenger, best)
    scores[rows, best] = np.where(candidates > 0, 1.0, -np.inf)
    return scores


def bubble_order(mask: np.ndarray, seed: int, keys: np.ndarray | None = None) -> np.ndarray:
    """[Q, N] columns in the order in which bubble meets them, real candidates first.

    The place of a column depends on seed, key and column alone, never on the batch or on masked
    columns. Without keys all prompts share one permutation of the columns: an LLM that always
    stands in one column then always comes at one time; keys give every prompt its own.
    """
    queries, width = mask.shape
    prompt = keys_or_shared(keys, queries)[:, None]
    draw = random_bits(seed, prompt, np.arange(width)[None, :])
    shuffled = np.argsort(draw, axis=1, kind="stable")
    padding_last = np.argsort(~np.take_along_axis(mask, shuffled, axis=1), axis=1, kind="stable")
    return np.take_along_axis(shuffled, padding_last, axis=1)
