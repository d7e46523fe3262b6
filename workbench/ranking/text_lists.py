"""Lists of texts as people give them: checked, and ragged ones as arrays."""

from collections.abc import Iterable, Sequence

import numpy as np

from workbench.errors import BadValue
from workbench.store.source_text import source_text


def sources_of(inputs: Sequence[str], instructions: Sequence[str] | None) -> list[str]:
    """Prompts as rankers read them; raises BadValue for lists that do not fit."""
    texts = text_list("inputs", inputs)
    if instructions is None:
        return texts
    before = text_list("instructions", instructions)
    if len(before) != len(texts):
        raise BadValue("number of instructions", len(before), f"{len(texts)}, as of inputs")
    return [source_text(a, b) if a else b for a, b in zip(before, texts, strict=True)]


def padded_lists(
    candidates: Sequence[Sequence[str]], prompts: int
) -> tuple[np.ndarray, np.ndarray]:
    """Texts [Q, N] (None outside) and mask of ragged lists; raises BadValue."""
    lists = candidate_lists(candidates, prompts)
    counts = np.array([len(answers) for answers in lists], np.int64)
    mask = np.arange(counts.max(initial=0)) < counts[:, None]
    texts = np.full(mask.shape, None, object)
    texts[mask] = [text for answers in lists for text in answers]
    return texts, mask


def candidate_lists(candidates: Sequence[Sequence[str]], prompts: int) -> list[list[str]]:
    """A list of texts for each of so many prompts; raises BadValue where they are none."""
    if len(candidates) != prompts:
        raise BadValue("number of candidate lists", len(candidates), f"{prompts}, as of inputs")
    return [text_list(f"candidates[{row}]", answers) for row, answers in enumerate(candidates)]


def check_answered(candidates: Sequence[Sequence[str]]) -> None:
    """Raises BadValue for the first prompt that has no candidate."""
    for row, answers in enumerate(candidates):
        if not len(answers):
            raise BadValue(f"candidates[{row}]", [], "at least one candidate")


def text_list(name: str, given: Iterable[str]) -> list[str]:
    """A list of texts; raises BadValue where it is none."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise BadValue(name, given, "a list of texts")
    texts = list(given)
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadValue(f"{name}[{place}]", text, "a text")
    return texts
