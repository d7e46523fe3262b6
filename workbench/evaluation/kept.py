"""What a ranking that costs less keeps of one that costs more."""

import numpy as np

from workbench.evaluation.bootstrap import Ratio
from workbench.evaluation.ordering import places
from workbench.evaluation.picks import pick_weights


def kept_quality(quality: np.ndarray, full: np.ndarray, chance: np.ndarray) -> Ratio:
    """The share of the full ranking's gain over a random pick that another ranking keeps.

    `Σ (quality − chance) / Σ (full − chance)` over prompts: 1 for the full ranking, 0 for a
    random pick, whatever the measure's zero and sign. It has no value where the full ranking's
    picks are no better than random ones.

    Args:
        quality, full: [Q] quality of the pick by the cheaper and by the full ranking.
        chance: [Q] expected quality of a random pick.
    """
    return Ratio(quality - chance, full - chance)


def top_recall(scores: np.ndarray, reference: np.ndarray, pool: np.ndarray, k: int) -> np.ndarray:
    """[Q] share of the top k by score that is in the top k by the reference.

    Expected over random breaking of the scores' ties, and generous to ties of the reference: a
    candidate is in its top k where fewer than k are strictly better. NaN in prompts of at most k
    candidates, where there is nothing to find.

    Args:
        scores: [Q, N], a number inside the pool.
        reference: [Q, N], a number inside the pool: other scores, or quality.
        pool: [Q, N] bool.
        k: how many, ≥ 1.

    Raises:
        BadValue: k < 1, or a score inside the pool that is not finite.
    """
    above, _ = places(reference, pool)
    found = (pick_weights(scores, pool, k) * (pool & (above < k))).sum(axis=1) / k
    return np.where(pool.sum(axis=1) > k, np.minimum(found, 1.0), np.nan)
