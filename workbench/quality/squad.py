"""Exact match and token F1, as SQuAD's evaluation (Rajpurkar et al. 2016).

Both read a text as words: lower case, without ASCII punctuation and English articles, split at
white space; letters of any script count. Two texts without words agree (1), one without and one
with do not (0), as in SQuAD 2.0.
"""

import re
import string
from collections import Counter

import numpy as np

from workbench.quality.measure import MEASURES, check_pairs

PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLES = re.compile(r"\b(a|an|the)\b")


@MEASURES.add("exact_match@1")
def exact_match(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """1 where the words and their order are the same, else 0."""
    check_pairs(hypotheses, references)
    both = zip(hypotheses, references, strict=True)
    return np.array([float(_words(left) == _words(right)) for left, right in both], np.float64)


@MEASURES.add("token_f1@1")
def token_f1(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """F1 of the words in common whatever their order, each in [0, 1]."""
    check_pairs(hypotheses, references)
    values = np.zeros(len(hypotheses))
    for i, (hypothesis, reference) in enumerate(zip(hypotheses, references, strict=True)):
        left, right = _words(hypothesis), _words(reference)
        if not left or not right:
            values[i] = float(left == right)
        else:
            common = (Counter(left) & Counter(right)).total()
            values[i] = 2 * common / (len(left) + len(right)) if common else 0.0
    return values


def _words(text: str) -> list[str]:
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()
