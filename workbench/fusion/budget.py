"""How many tokens each part of a fusion prompt may keep where the whole is too long."""

from collections.abc import Sequence
from typing import NamedTuple


class Shares(NamedTuple):
    """Tokens of each part's text, fixed words not counted."""

    instruction: int
    input: int
    candidates: list[int]


def shares(instruction: int, input_: int, candidates: Sequence[int], room: int) -> Shares:
    """What is kept of parts of given lengths so that they fit into `room` tokens together.

    The input is shortened first, down to nothing; then the candidates, evenly; the instruction
    only where nothing else is left.

    >>> shares(10, 50, [30, 8], room=70)
    Shares(instruction=10, input=22, candidates=[30, 8])
    >>> shares(10, 50, [30, 8], room=30)
    Shares(instruction=10, input=0, candidates=[12, 8])
    """
    input_ = min(input_, max(0, room - instruction - sum(candidates)))
    kept = levelled(candidates, max(0, room - instruction - input_))
    return Shares(min(instruction, room), input_, kept)


def levelled(lengths: Sequence[int], room: int) -> list[int]:
    """Lengths that fit into `room` together: only the longest are cut, to about one length."""
    kept = [0] * len(lengths)
    shortest_first = sorted(range(len(lengths)), key=lengths.__getitem__)
    for done, place in enumerate(shortest_first):
        kept[place] = min(lengths[place], room // (len(lengths) - done))
        room -= kept[place]
    return kept
