"""Schemes that add up: MaxLogits and MaxWins (LLM-Blender, section 3.3) and Copeland."""

import numpy as np

from workbench.aggregation.logits import clean_logits, outside
from workbench.aggregation.preferences import order_free


def max_logits(L: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """MaxLogits: `s_i = Σ_j (L_ij − L_ji) = 2 Σ_j D_ij`; pairs not compared add 0.

    A pair compared in one order counts as much as one compared in both, by `D`. The reference
    code divides by N, which changes no rank.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.

    Returns:
        [Q, N] float64 in logits, −inf outside the mask.
    """
    D = order_free(clean_logits(L, mask))
    return outside(2.0 * np.where(np.isnan(D), 0.0, D).sum(axis=2), mask)


def max_wins(L: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """MaxWins: `s_i = Σ_j 1[L_ij > 0] + Σ_j 1[L_ji < 0]`, the presentations that i won.

    A logit of exactly 0 is a win for no one.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.

    Returns:
        [Q, N] float64 counts from 0 to 2(n − 1), −inf outside the mask.
    """
    clean = clean_logits(L, mask)
    wins = (clean > 0).sum(axis=2) + (clean < 0).sum(axis=1)
    return outside(wins.astype(np.float64), mask)


def copeland(L: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Copeland: opponents beaten minus opponents lost to, by the sign of D; a tie counts 0.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.

    Returns:
        [Q, N] float64 from −(n − 1) to n − 1, −inf outside the mask.
    """
    D = order_free(clean_logits(L, mask))
    verdicts = (D > 0).sum(axis=2) - (D < 0).sum(axis=2)
    return outside(verdicts.astype(np.float64), mask)
