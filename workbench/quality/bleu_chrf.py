"""BLEU and chrF of single answers, by the sacrebleu library: its scores / 100, so that these are
in [0, 1] as all measures.

An answer or reference without words scores 0.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from workbench.quality.measure import MEASURES, check_pairs

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

_KEPT = 16  # references whose n-grams are kept: those of one prompt's answers follow each other


@MEASURES.add("bleu@1")
def bleu(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """Sentence BLEU (Papineni et al. 2002), each in [0, 1], as sacrebleu's `sentence_bleu`.

    Up to 4-grams of the tokens of mteval-v13a, case kept. Effective order: a text shorter than
    four tokens is measured by the n-grams that it has. Smoothing 'exp' (NIST's, method 3 of Chen
    and Cherry 2014): the k-th order in a row without a match counts as 1 / 2^k matches; without
    a single word in common the value is 0.
    """
    from sacrebleu.metrics import BLEU

    @lru_cache(_KEPT)
    def against(reference: str) -> "Metric":
        return BLEU(effective_order=True, references=[[reference]])

    return _values(hypotheses, references, against)


@MEASURES.add("chrf@1")
def chrf(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """Sentence chrF (Popović 2015), each in [0, 1], as sacrebleu's `sentence_chrf`.

    F-score, recall twice as important as precision (β = 2), of n-grams of 1 to 6 characters, case
    kept, white space left out. Orders that either text is too short for are left out; nothing is
    smoothed. It reads letters of any script.
    """
    from sacrebleu.metrics import CHRF

    @lru_cache(_KEPT)
    def against(reference: str) -> "Metric":
        return CHRF(references=[[reference]])

    return _values(hypotheses, references, against)


def _values(
    hypotheses: list[str], references: list[str], against: Callable[[str], "Metric"]
) -> np.ndarray:
    """Scores [n] of texts, each by the metric that holds its reference's n-grams."""
    check_pairs(hypotheses, references)
    values = np.zeros(len(hypotheses))
    for i, (hypothesis, reference) in enumerate(zip(hypotheses, references, strict=True)):
        values[i] = against(reference).corpus_score([hypothesis], None).score / 100
    return np.minimum(values, 1.0)  # of equal texts it can be 1 + 1e-15
