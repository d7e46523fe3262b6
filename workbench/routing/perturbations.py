"""Prompts changed in ways that should change no choice: how robust is a router?

Each takes a text and a random generator and gives a plain text. `perturbed` draws for each prompt
from its own text, so that no result depends on which others there are.
"""

import re
from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np

from workbench.catalog import Catalog
from workbench.errors import BadValue

PERTURBATIONS: Catalog[Callable[[str, np.random.Generator], str]] = Catalog("perturbation")
"""By name: (text, random) -> text."""

TYPO_SHARE = 0.1
"""Of the words of at least four letters, those that `typos` misspells, at least one."""
PREAMBLES = (
    "Could you please help me with the following?",
    "Hello! I have a question for you.",
    "Please answer this as well as you can.",
    "I would be grateful for your help with this:",
)

_WORD = re.compile(r"[^\W\d_]{4,}")
_GAP = re.compile(r"(?<=\S)[ \n]+(?=\S)")
_GAP_SHARE = 0.2


@PERTURBATIONS.add("typos")
def typos(text: str, random: np.random.Generator) -> str:
    """In a share of the words two neighbouring letters are swapped, or one is dropped."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    count = max(1, round(TYPO_SHARE * len(words)))
    for place in sorted(random.choice(len(words), count, replace=False), reverse=True):
        start, end = words[place].span()
        text = text[:start] + _misspelt(text[start:end], random) + text[end:]
    return text


@PERTURBATIONS.add("lower_case")
def lower_case(text: str, random: np.random.Generator) -> str:
    """All letters small; a router whose encoder is uncased sees no difference."""
    return text.lower()


@PERTURBATIONS.add("upper_case")
def upper_case(text: str, random: np.random.Generator) -> str:
    """All letters capital; a router whose encoder is uncased sees no difference."""
    return text.upper()


@PERTURBATIONS.add("whitespace")
def whitespace(text: str, random: np.random.Generator) -> str:
    """Some spaces and line breaks are doubled, and blanks stand before and after the text."""
    parts, last = list[str](), 0
    for gap in _GAP.finditer(text):
        more = gap[0][-1] if random.random() < _GAP_SHARE else ""
        parts += [text[last : gap.end()], more]
        last = gap.end()
    return f" {''.join(parts)}{text[last:]}\n"


@PERTURBATIONS.add("preamble")
def preamble(text: str, random: np.random.Generator) -> str:
    """A polite sentence that asks nothing stands before the text."""
    return f"{PREAMBLES[int(random.integers(len(PREAMBLES)))]} {text}"


def perturbed(prompts: Sequence[str], name: str, seed: int = 0) -> list[str]:
    """The prompts after one of `PERTURBATIONS`: the same for the same text and seed.

    Raises:
        UnknownName: there is no such perturbation.
        BadValue: a negative seed.
    """
    change = PERTURBATIONS[name]
    if seed < 0:
        raise BadValue("seed", seed, "a number that is not negative")
    return [change(text, _random(text, name, seed)) for text in prompts]


def _random(text: str, name: str, seed: int) -> np.random.Generator:
    key = sha256(f"{name}\n{text}".encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([seed, int.from_bytes(key[:8], "big")])


def _misspelt(word: str, random: np.random.Generator) -> str:
    """Never at the first letter; a swap of two equal letters is a drop instead."""
    place = int(random.integers(1, len(word) - 1))
    left, right = word[place], word[place + 1]
    if left == right or random.random() < 0.5:
        return word[:place] + word[place + 1 :]
    return word[:place] + right + left + word[place + 2 :]
