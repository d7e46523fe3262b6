"""How the pages of an evaluation write an estimate into a cell, and a long head over it."""

import textwrap
from typing import Any


def broken(head: str, width: int) -> str:
    """A long head in lines, of which none is much wider than a number."""
    return "\n".join(textwrap.wrap(head, width))


def three(estimate: Any) -> str | None:
    """The value alone, to three decimals; None where there is no estimate."""
    return None if estimate is None else f"{estimate[0]:z.3f}"


def span(estimate: Any, percent: bool = False) -> str:
    """Value and interval, to three decimals or, of large numbers and percentages, fewer."""
    if estimate is None:
        return "–"
    value, low, high = (number * (100 if percent else 1) for number in estimate[:3])
    digits = 1 if percent else 3 if max(abs(low), abs(high)) < 10 else 2
    form = f"{{:z.{digits}f}}"  # z: rounding leaves no "-0.0"
    return f"{form} [{form}, {form}]".format(value, low, high)
