"""Which candidates of a prompt a fuser is shown, and in which order."""

import numpy as np

from workbench.errors import UnknownName
from workbench.store.pool import Pool

ORDERS = ("rank", "reversed", "shuffled")


def top_places(pool: Pool, scores: np.ndarray, top_k: np.ndarray | int) -> list[np.ndarray]:
    """Places of each prompt's first candidates, best first; of equals the smaller id goes first.

    Args:
        pool: the prompts.
        scores: [Q, N], higher is better; a candidate without a score (NaN) is left out.
        top_k: how many, or [Q] of each prompt; a prompt with fewer candidates gives all.
    """
    scored = pool.mask & ~np.isnan(scores)
    ids = np.where(pool.mask, pool.candidate_ids, "").astype(str)
    order = np.lexsort((ids, np.where(scored, -scores, np.inf), ~scored), axis=1)
    count = np.minimum(scored.sum(axis=1), top_k)
    return [row[:k] for row, k in zip(order, count, strict=True)]


def noisy_scores(quality: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """[Q, N] scores of a made-up ranker: the quality, blurred.

    Args:
        quality: [Q, N], NaN where not measured.
        noise: standard deviation of what is added, in spreads of quality within the prompt.
        random: of the noise.
    """
    known = np.isfinite(quality)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, quality, 0.0).sum(axis=1, keepdims=True) / count
    square = np.where(known, (quality - mean) ** 2, 0.0).sum(axis=1, keepdims=True) / count
    return quality + noise * np.sqrt(square) * random.standard_normal(quality.shape)


def in_order(places: np.ndarray, order: str, random: np.random.Generator) -> np.ndarray:
    """Places, given best first, in the order in which they are shown.

    Raises:
        UnknownName: an order that there is not.
    """
    if order not in ORDERS:
        raise UnknownName("candidate order", order, ORDERS)
    if order == "shuffled":
        return random.permutation(places)
    return places[::-1] if order == "reversed" else places
