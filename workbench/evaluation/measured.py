"""The border of this folder: which candidates count, and whether scores can order them."""

from collections.abc import Mapping

import numpy as np

from workbench.errors import BadValue


def measured(quality: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """[Q, N] bool: the candidates whose quality was measured; the others leave the pool.

    Raises:
        BadValue: shapes differ, or the mask is not bool.
    """
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise BadValue("mask", (mask.dtype.name, mask.shape), "a bool array [Q, N]")
    if quality.shape != mask.shape:
        raise BadValue("shape of the quality", quality.shape, f"that of the mask, {mask.shape}")
    return mask & np.isfinite(quality)


def check_scores(scores: np.ndarray, pool: np.ndarray) -> None:
    """Raises BadValue for scores of another shape, or not finite inside the pool."""
    if scores.shape != pool.shape:
        raise BadValue("shape of the scores", scores.shape, f"that of the mask, {pool.shape}")
    wrong = pool & ~np.isfinite(scores)
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise BadValue(f"score[{row}, {column}]", float(scores[row, column]), "a finite number")


def check_named(named: Mapping[str, np.ndarray], pool: np.ndarray) -> None:
    """Raises BadValue where the candidates of a named LLM are no bool array of the pool's shape."""
    for llm, theirs in named.items():
        if theirs.shape != pool.shape or theirs.dtype != np.bool_:
            given = (theirs.dtype.name, theirs.shape)
            raise BadValue(f"named['{llm}']", given, f"a bool array of shape {pool.shape}")
