"""Scores of candidates that a schedule has sorted."""

import numpy as np

from workbench.aggregation.lock_step import Round, Rounds


def sorted_scores(queue: np.ndarray, mask: np.ndarray) -> Rounds:
    """The end of a sort: one round of neighbours, then the number of candidates left behind.

    A sort has compared all that end as neighbours, so the round costs nothing; those who are
    exactly equal share a score.

    Args:
        queue: [Q, N] columns, best first, real candidates before all others.
        mask: [Q, N] bool.
    """
    n = mask.sum(axis=1, keepdims=True)
    place = np.arange(mask.shape[1])[None, :]
    prompt, behind = np.nonzero((place > 0) & (place < n))
    group = np.broadcast_to(place, mask.shape).copy()
    if len(prompt):
        verdicts = yield Round(prompt, queue[prompt, behind - 1], queue[prompt, behind])
        tied = verdicts == 0
        group[prompt[tied], behind[tied]] = 0
    scores = np.full(mask.shape, -np.inf)
    first = np.maximum.accumulate(group, axis=1)
    np.put_along_axis(scores, queue, np.where(place < n, n - 1.0 - first, -np.inf), axis=1)
    return scores
