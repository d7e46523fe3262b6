"""Verdicts on pairs: do scores prefer the better candidate, and do logits depend on the order?"""

import numpy as np

from workbench.errors import BadValue


def pairwise_counts(
    scores: np.ndarray, quality: np.ndarray, pool: np.ndarray, min_gap: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of each prompt that the scores order as the quality does, and all pairs that count.

    The pooled accuracy is Σ correct / Σ total. A pair counts where the qualities differ by more
    than `min_gap`; equal scores are half right.

    Args:
        scores: [Q, N], finite inside the pool.
        quality: [Q, N], finite inside the pool.
        pool: [Q, N] bool.
        min_gap: ≥ 0, in units of the quality.

    Returns:
        (correct [Q] float64, total [Q] float64).

    Raises:
        BadValue: min_gap is negative or no number.
    """
    if not min_gap >= 0:
        raise BadValue("min_gap", min_gap, "a number ≥ 0")
    inside = pool[:, :, None] & pool[:, None, :]
    value = np.where(pool, quality, 0.0)
    score = np.where(pool, scores, 0.0)
    # Ordered pairs (better, worse): each pair that counts is seen exactly once.
    better = inside & (value[:, :, None] - value[:, None, :] > min_gap)
    right = (better & (score[:, :, None] > score[:, None, :])).sum(axis=(1, 2))
    tied = (better & (score[:, :, None] == score[:, None, :])).sum(axis=(1, 2))
    return right + 0.5 * tied, better.sum(axis=(1, 2)).astype(np.float64)


def position_counts(
    L: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the order of presentation does to a prompt's pairs, as sums over its pairs.

    The bias of a pair compared in both orders is `(L_ij + L_ji) / 2`: 0 without position bias,
    > 0 where the left place helps. Its verdict flips where both presentations prefer the left
    candidate, or both the right one.

    Args:
        L: [Q, N, N] pair logits, NaN where not compared.
        mask: [Q, N] bool.

    Returns:
        Four [Q] float64: Σ bias, Σ |bias|, flipped verdicts, pairs compared in both orders.
    """
    width = mask.shape[1]
    upper = np.triu(np.ones((width, width), dtype=bool), 1)
    mirrored = L.transpose(0, 2, 1)
    pairs = mask[:, :, None] & mask[:, None, :] & upper & ~np.isnan(L) & ~np.isnan(mirrored)
    left = np.where(pairs, L, 0.0).astype(np.float64)
    right = np.where(pairs, mirrored, 0.0).astype(np.float64)
    bias = 0.5 * (left + right)
    flips = ((left > 0) & (right > 0)) | ((left < 0) & (right < 0))
    return (
        bias.sum(axis=(1, 2)),
        np.abs(bias).sum(axis=(1, 2)),
        flips.sum(axis=(1, 2)).astype(np.float64),
        pairs.sum(axis=(1, 2)).astype(np.float64),
    )
