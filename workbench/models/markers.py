"""PairRM's markers: the added tokens that open each part of a pair."""

from typing import Any

MARKERS = ("<|source|>", "<|candidate1|>", "<|candidate2|>", "<|candidate|>")


def add_markers(tokenizer: Any) -> None:
    """Adds the markers that the tokenizer lacks, in PairRM's order, as plain tokens."""
    tokenizer.add_tokens(list(MARKERS))
