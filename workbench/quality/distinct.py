"""What occurs several times, computed once."""

from collections.abc import Hashable, Iterable
from typing import TypeVar

import numpy as np

Item = TypeVar("Item", bound=Hashable)


def distinct(items: Iterable[Item]) -> tuple[list[Item], np.ndarray]:
    """The different ones of n items as they first occur, and which of them each item is [n]."""
    place: dict[Item, int] = {}
    index = [place.setdefault(item, len(place)) for item in items]
    return list(place), np.array(index, np.int64)
