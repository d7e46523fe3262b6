"""The border of this folder: pair logits are checked and cleaned once, before any formula."""

import math

import numpy as np

from workbench.errors import BadValue


def clean_logits(L: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A float64 copy of the pair logits with NaN wherever no real comparison stands.

    Args:
        L: [Q, N, N] logits, NaN where not compared; `L[q, i, j] > 0`: i, shown left, beats j.
        mask: [Q, N] bool, True for real candidates.

    Returns:
        [Q, N, N] float64; the diagonal and every entry outside the mask is NaN, whatever it was.

    Raises:
        BadValue: shapes or types that do not fit, or an infinite logit between two candidates.

    float64 makes sums of float32 logits exact in practice, so that equal candidates tie exactly.
    """
    check_logits(L, mask)
    real = mask[:, :, None] & mask[:, None, :] & ~np.eye(mask.shape[1], dtype=bool)
    clean = np.where(real, L, np.nan).astype(np.float64, copy=False)
    if np.isinf(clean).any():
        row, left, right = (int(index) for index in np.argwhere(np.isinf(clean))[0])
        raise BadValue(f"logit[{row}, {left}, {right}]", float(clean[row, left, right]), "finite")
    return clean


def check_logits(L: np.ndarray, mask: np.ndarray) -> None:
    """Raises BadValue for logits or a mask whose shape or type breaks the contract."""
    check_mask(mask)
    queries, width = mask.shape
    if L.shape != (queries, width, width):
        raise BadValue("shape of the pair logits", L.shape, f"{(queries, width, width)}")
    if not np.issubdtype(L.dtype, np.floating):
        raise BadValue("type of the pair logits", L.dtype.name, "a float type (NaN: not compared)")


def check_mask(mask: np.ndarray) -> None:
    """Raises BadValue for a mask that is not a bool array [Q, N]."""
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise BadValue("mask", (mask.dtype.name, mask.shape), "a bool array [Q, N]")


def outside(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """[Q, N] float64 scores with −inf outside the mask."""
    return np.where(mask, scores, -np.inf)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−x)), finite for any finite or infinite x; NaN stays NaN."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def check_positive(**parameters: float) -> None:
    """Raises BadValue for the first parameter that is not a finite number > 0."""
    for name, value in parameters.items():
        if not (math.isfinite(value) and value > 0):
            raise BadValue(name, value, "a finite number > 0")
