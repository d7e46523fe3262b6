"""Borda scores of pairwise comparisons."""

import numpy as np

from workbench.aggregation.logits import clean_logits, outside, sigmoid

# Equal candidates add the same probabilities in another order: rounding lets them tie.
DECIMALS = 12


def borda(L: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Borda: the probability that i beats an opponent drawn at random, shown in a random order.

    `s_i = mean over compared j of P_ij`, where `P_ij` is the mean of `σ(L_ij)` and
    `1 − σ(L_ji)`, or the one of them that there is. This is the Borda score of a pairwise model
    (Shah and Wainwright, JMLR 2018, section 2; Heckel et al., Annals of Statistics 2019). Unlike
    Copeland it weighs how sure each verdict is, unlike MaxLogits no single verdict counts for
    more than 1.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.

    Returns:
        [Q, N] float64 in [0, 1]; 0.5 for a candidate without any comparison; −inf outside the
        mask.
    """
    clean = clean_logits(L, mask)
    compared = ~np.isnan(clean)
    shown_left = np.where(compared, sigmoid(clean), 0.0)
    shown_right = np.where(compared, sigmoid(-clean), 0.0).transpose(0, 2, 1)
    presentations = compared.astype(np.float64) + compared.transpose(0, 2, 1)
    beats = (shown_left + shown_right) / np.maximum(presentations, 1.0)
    opponents = (presentations > 0).sum(axis=2)
    scores = np.where(opponents > 0, beats.sum(axis=2) / np.maximum(opponents, 1), 0.5)
    return outside(np.round(scores, DECIMALS), mask)
