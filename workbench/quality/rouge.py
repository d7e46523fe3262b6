"""ROUGE (Lin 2004): n-grams, or the longest sequence of words, that an answer has in common with
its reference.

Its tokens are runs of a-z and 0-9 of the lower-cased text: **every other letter is dropped**, so
that 'café' becomes 'caf' and a text in Greek or Chinese has no tokens and scores 0, even against
itself. For such text use another measure, such as chrF. Without tokens (for ROUGE-2: without two)
on either side the value is 0.
"""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from workbench.quality.measure import MEASURES, check_pairs

Parts = TypeVar("Parts")
Grams = Counter[tuple[str, ...]]


@MEASURES.add("rouge1@1")
def rouge_1(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """ROUGE-1 F1, words in common, each in [0, 1]; equal to the rouge-score library's, unstemmed.

    Only words of a-z and 0-9 count, see the head of this file.
    """
    return _values(hypotheses, references, lambda words: _grams(words, 1), _shared)


@MEASURES.add("rouge2@1")
def rouge_2(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """ROUGE-2 F1, pairs of neighbouring words in common; otherwise as ROUGE-1."""
    return _values(hypotheses, references, lambda words: _grams(words, 2), _shared)


@MEASURES.add("rougeL@1")
def rouge_l(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """ROUGE-L F1, the longest common subsequence of words; otherwise as ROUGE-1."""
    return _values(hypotheses, references, lambda words: words, _subsequence)


def longest_common_subsequence(left: list[str], right: list[str]) -> int:
    """Length of the longest common subsequence, a word of `right` a step (Hyyrö 2004).

    Bit i of `row` is 0 where the table's row rises at left[i]; one addition of whole numbers
    carries the rises on, many times faster than filling the table cell by cell.
    """
    places: dict[str, int] = {}
    for i, word in enumerate(left):
        places[word] = places.get(word, 0) | 1 << i
    every = (1 << len(left)) - 1
    row = every
    for word in right:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & every
    return len(left) - row.bit_count()


def _values(
    hypotheses: list[str],
    references: list[str],
    parts: Callable[[list[str]], Parts],
    compare: Callable[[Parts, Parts], tuple[int, int, int]],
) -> np.ndarray:
    """F1 [n] of what each two texts have in common.

    Args:
        hypotheses: n texts.
        references: n texts.
        parts: what counts of a text's words.
        compare: how much two of them have in common, and how much each of them is.
    """
    from rouge_score.tokenize import tokenize

    check_pairs(hypotheses, references)
    of: dict[str, Parts] = {}
    for text in (*hypotheses, *references):
        if text not in of:  # a reference is shared by all candidates of a prompt
            of[text] = parts(tokenize(text, None))
    values = np.zeros(len(hypotheses))
    for i, (hypothesis, reference) in enumerate(zip(hypotheses, references, strict=True)):
        common, left, right = compare(of[hypothesis], of[reference])
        values[i] = 2 * common / (left + right) if common else 0.0
    return values


def _grams(words: list[str], n: int) -> Grams:
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))


def _shared(
    left: Counter[tuple[str, ...]], right: Counter[tuple[str, ...]]
) -> tuple[int, int, int]:
    return (left & right).total(), left.total(), right.total()


def _subsequence(left: list[str], right: list[str]) -> tuple[int, int, int]:
    return longest_common_subsequence(left, right), len(left), len(right)
