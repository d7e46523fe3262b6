"""Which candidates of a prompt a fuser is shown, and in which order."""

import numpy as np

from workbench.errors import UnknownName

ORDERS = ("rank", "reversed", "shuffled")


def top_places(scores: np.ndarray, mask: np.ndarray, top_k: np.ndarray | int) -> list[np.ndarray]:
    """Places of each prompt's first candidates, best first; among equals the first place.

    Args:
        scores: [Q, N], higher is better; NaN ranks last.
        mask: [Q, N] bool, a real candidate.
        top_k: how many, or [Q] of each prompt; a prompt with fewer candidates gives all.
    """
    ranked = np.where(mask, np.nan_to_num(scores, nan=-np.inf, neginf=-np.inf), -np.inf)
    # A real candidate without a score still goes before a place without a candidate.
    order = np.lexsort((~mask, -ranked), axis=1)
    count = np.minimum(mask.sum(axis=1), top_k)
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
