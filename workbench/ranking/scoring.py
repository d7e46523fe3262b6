"""Comparing pairs by scores of single candidates: a logit is a difference of two scores."""

from collections.abc import Callable, Sequence

import numpy as np

from workbench.models.inferring import check_inference
from workbench.models.proportion import in_proportion


def compare_scores(
    score: Callable[..., np.ndarray],
    prompts: Sequence[str],
    left: Sequence[str],
    right: Sequence[str],
    tokens_per_batch: int,
    precision: str,
    progress: Callable[[int], None] | None,
) -> np.ndarray:
    """Logits [P] float32 of ordered pairs; each candidate of a prompt is scored once.

    Args:
        score: a ranker's method, called with prompts, candidates and the options below.
        prompts, left, right, tokens_per_batch, precision, progress: see `Ranker.compare`.

    Raises:
        BadValue: lists of different lengths, or an option that cannot be used.
    """
    counts = (len(prompts), len(left), len(right))
    check_inference(counts, tokens_per_batch, precision)
    place: dict[tuple[str, str], int] = {}
    sides = [
        [place.setdefault(one, len(place)) for one in zip(prompts, side, strict=True)]
        for side in (left, right)
    ]
    scores = score(
        [prompt for prompt, _ in place],
        [text for _, text in place],
        tokens_per_batch=tokens_per_batch,
        precision=precision,
        progress=in_proportion(progress, len(place), len(prompts)),
    )
    return np.asarray(scores[sides[0]] - scores[sides[1]], np.float32)
