"""Token ids of many texts as arrays, and how a text that is too long is shortened."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MARK_EVERY = 24  # tokens left out by `elided` for each mark


@dataclass(frozen=True)
class Tokens:
    """Token ids of many texts, one after the other.

    Attributes:
        ids: int32, all texts joined.
        start: [n + 1] int64, text i is `ids[start[i]:start[i + 1]]`.
    """

    ids: np.ndarray
    start: np.ndarray

    @property
    def length(self) -> np.ndarray:
        """[n] int64, tokens of each text."""
        return np.diff(self.start)

    @staticmethod
    def joined(parts: Sequence[np.ndarray]) -> "Tokens":
        """From one array of ids a text."""
        start = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=start[1:])
        ids = np.concatenate(parts) if parts else np.zeros(0, np.int32)
        return Tokens(ids.astype(np.int32, copy=False), start)

    @staticmethod
    def concatenated(parts: Sequence["Tokens"]) -> "Tokens":
        """The texts of several, in their order."""
        if not parts:
            return Tokens.joined([])
        lengths = np.concatenate([part.length for part in parts])
        start = np.r_[0, np.cumsum(lengths)]
        return Tokens(np.concatenate([part.ids for part in parts]), start)


def elided(ids: np.ndarray, most: int, mark: int) -> np.ndarray:
    """Tokens of a text cut to `most` by leaving out the middle; a text that fits is unchanged.

    Three quarters of what is kept is its beginning, a quarter its end, and between them stands
    `mark` once for each 24 tokens left out (at most a quarter of the room): how a long answer
    ends, and how long it is, tells much of its quality, and neither is seen where it is cut off.
    """
    if len(ids) <= most:
        return ids
    marks = min(1 + (len(ids) - most) // _MARK_EVERY, max(1, most // 4))
    end = (most - marks) // 4
    begin = most - marks - end
    return np.concatenate([ids[:begin], np.full(marks, mark, ids.dtype), ids[len(ids) - end :]])
