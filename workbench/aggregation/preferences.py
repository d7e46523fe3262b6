"""The order-free preference D between two candidates."""

import numpy as np

from workbench.aggregation.logits import clean_logits


def preferences(L: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """How strongly i is preferred to j, whichever of the two was shown left.

    `(L_ij − L_ji) / 2` where both presentations were compared; where only one was, that one
    (`L_ij` or `−L_ji`); NaN where neither was. Always antisymmetric.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool; None: every column is a candidate.

    Returns:
        [Q, N, N] float64, in logits; NaN on the diagonal and outside the mask.

    Raises:
        BadValue: shapes that do not fit or an infinite logit.
    """
    if mask is None:
        mask = np.ones(L.shape[:2], dtype=bool)
    return order_free(clean_logits(L, mask))


def order_free(clean: np.ndarray) -> np.ndarray:
    """D of logits that `clean_logits` has been over; [Q, N, N] float64."""
    mirrored = -clean.transpose(0, 2, 1)
    both = 0.5 * (clean + mirrored)
    return np.where(np.isnan(clean), mirrored, np.where(np.isnan(mirrored), clean, both))
