"""How much is done between two writes: a kill must not cost more than half a minute or so."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

_WRITE_EVERY_S = 30.0
_FIRST_PAIRS, _MOST_PAIRS = 50, 100_000

Prompt = TypeVar("Prompt")


def paced(waiting: Mapping[Prompt, int]) -> Iterator[list[Prompt]]:
    """Prompts whose pairs take about `_WRITE_EVERY_S` together, by the speed seen last.

    At least one prompt at a time. The first are few, as nothing is known of the speed: a large
    model on a CPU takes seconds a pair.

    Args:
        waiting: prompts, and how many pairs each has to be compared.
    """
    size, prompts, pairs, began = _FIRST_PAIRS, list[Prompt](), 0, time.monotonic()
    for prompt, n in waiting.items():
        prompts.append(prompt)
        pairs += n
        if pairs >= size:
            yield prompts
            speed = pairs / max(1e-3, time.monotonic() - began)
            size = min(int(speed * _WRITE_EVERY_S), _MOST_PAIRS)
            prompts, pairs, began = [], 0, time.monotonic()
    if prompts:
        yield prompts


def due() -> Callable[[], bool]:
    """A function that tells whether it is time to write, and then counts anew.

    At once when it is asked first, so that something is soon to be seen; then after a second, and
    after twice the time each, up to `_WRITE_EVERY_S`.
    """
    wait, began = 0.0, time.monotonic()

    def asked() -> bool:
        nonlocal wait, began
        now = time.monotonic()
        if now - began < wait:
            return False
        wait, began = min(max(1.0, 2 * wait), _WRITE_EVERY_S), now
        return True

    return asked
