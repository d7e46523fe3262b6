"""How many words an answer shares with its reference."""

import re
import string
from collections import Counter

import numpy as np

from workbench.quality.measure import MEASURES, check_pairs

PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLES = re.compile(r"\b(a|an|the)\b")


@MEASURES.add("rougeL@1")
def rouge_l(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """ROUGE-L F1 (Lin 2004), each in [0, 1]; equal to the rouge-score library's, unstemmed.

    Its tokens are runs of a-z and 0-9 of the lower-cased text: **every other letter is dropped**,
    so that 'café' becomes 'caf' and a text in Greek or Chinese has no tokens and scores 0, even
    against itself. For such text use another measure. Without tokens on either side the value
    is 0.
    """
    from rouge_score.tokenize import tokenize

    check_pairs(hypotheses, references)
    words: dict[str, list[str]] = {}
    for text in (*hypotheses, *references):
        if text not in words:  # a reference is shared by all candidates of a prompt
            words[text] = tokenize(text, None)
    values = np.zeros(len(hypotheses))
    for i, (hypothesis, reference) in enumerate(zip(hypotheses, references, strict=True)):
        common = longest_common_subsequence(words[hypothesis], words[reference])
        values[i] = _f1(common, len(words[hypothesis]), len(words[reference]))
    return values


@MEASURES.add("token_f1@1")
def token_f1(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """F1 of the words in common whatever their order, each in [0, 1], as SQuAD's evaluation.

    Lower case, without ASCII punctuation and English articles, split at white space; letters of
    any script count. Two texts without words agree (1), one without does not (0), as in
    SQuAD 2.0.
    """
    check_pairs(hypotheses, references)
    values = np.zeros(len(hypotheses))
    for i, (hypothesis, reference) in enumerate(zip(hypotheses, references, strict=True)):
        left, right = _squad_words(hypothesis), _squad_words(reference)
        if not left or not right:
            values[i] = float(left == right)
        else:
            common = (Counter(left) & Counter(right)).total()
            values[i] = _f1(common, len(left), len(right))
    return values


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


def _f1(common: int, left: int, right: int) -> float:
    return 2 * common / (left + right) if common else 0.0


def _squad_words(text: str) -> list[str]:
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()
