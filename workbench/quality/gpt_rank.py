"""GPT-Rank: a score of each answer from one judge's verdicts on pairs (LLM-Blender, ACL 2023).

LLM-Blender sorts the candidates of a prompt by `Σ_j (X_ij − X_ji)`, where `X_ij` is 1 for a win of
i over j, −1 for a loss and ±½ for both good or both bad. A draw stands in X_ij and X_ji alike and
so cancels out: what is left is twice the wins less twice the losses. Here the score is the mean
over the candidates that an answer was compared with: 1 for a win, 0 for a draw, −1 for a loss; two
orders of a pair count half each. Where every pair was judged this is the original divided by
2 (N − 1), or by 4 (N − 1) in both orders, which changes no rank; where pairs are missing, an answer
that was judged more often has no advantage.

GPT-Rank itself, lower is better, is the rank by this score, tied answers all at the best of
their ranks.
"""

import numpy as np

VOTES = {"left": 1.0, "right": -1.0, "tie": 0.0, "both good": 0.0, "both bad": 0.0}


def measure_name(judge: str) -> str:
    """Name of the quality: `gpt_rank[JUDGE]@1`."""
    return f"gpt_rank[{judge}]@1"


def gpt_scores(
    left: np.ndarray, right: np.ndarray, votes: np.ndarray, candidate: np.ndarray
) -> np.ndarray:
    """Scores in [−1, 1] of answers, higher is better.

    Only comparisons with candidates count, so that a candidate's score does not depend on which
    fusions were judged beside it, and a fusion is measured against the same candidates.

    Args:
        left, right: [P] int, answers shown left and right, of any number of prompts.
        votes: [P] of `VOTES`: 1 the left one is better, −1 the right one, 0 a draw.
        candidate: [n] bool: which answers are candidates; others are fusions.

    Returns:
        [n] float64, NaN for an answer that was compared with no candidate.
    """
    n = len(candidate)
    answer, other = np.concatenate([left, right]), np.concatenate([right, left])
    vote = np.concatenate([votes, -votes]).astype(np.float64)
    counts = candidate[other]
    pair = answer[counts].astype(np.int64) * n + other[counts]
    pairs, place = np.unique(pair, return_inverse=True)
    of_pair = np.bincount(place, vote[counts], len(pairs)) / np.bincount(place, None, len(pairs))
    total = np.bincount(pairs // max(n, 1), of_pair, n)
    compared = np.bincount(pairs // max(n, 1), None, n)
    return np.where(compared > 0, total / np.maximum(compared, 1), np.nan)
