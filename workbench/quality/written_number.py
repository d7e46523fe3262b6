"""Numbers as people and LLMs write them: $1,234.50, -3, 12%, 1/2, 1 1/2, \\frac{1}{2}, 3e8."""

import re
from fractions import Fraction

_DIGITS = 60  # of a number; one with more is read as none: nobody's answer has them
_PLAIN = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,2}(?!\d))?|\.\d+"
_NUMBER = re.compile(
    rf"""
    (?P<sign>(?<![\w.)])[-+])?               # the dash of 5-10 is no sign
    (?:[$€£]\s?(?P<inner>-)?)?
    (?:(?P<whole>\d+)\s+(?=\d+\s?/\s?\d))?   # of 1 1/2
    (?P<first>{_PLAIN})
    (?:\s?/\s?(?P<below>\d+(?:\.\d+)?))?
    """,
    re.VERBOSE,
)
_UNIT = re.compile(r"[ %.]*(?:[^\W\d_]+[ .%]*){0,3}")
_LONGEST = 80  # characters of a number with its unit
_MARKUP = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r" \1/\2"),
    (re.compile(r"\\(?:text|mathrm|mbox)\s*\{([^{}]*)\}"), r" \1"),
    (re.compile(r"\{,\}(?=\d)"), ","),
    (re.compile(r"\\[,;!: ]"), ""),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"\*\*|`"), " "),
    (re.compile("[−–](?=[$€£]?[0-9.])"), "-"),
)


def plain(text: str) -> str:
    """The text without the LaTeX and Markdown that numbers stand in."""
    for pattern, written in _MARKUP:
        text = pattern.sub(written, text)
    return text


def first_number(text: str) -> Fraction | None:
    """The first number of a plain text, exactly; None where there is none."""
    return next((n for match in _NUMBER.finditer(text) if (n := _value(match)) is not None), None)


def last_number(text: str) -> Fraction | None:
    """The last number of a plain text, exactly; None where there is none."""
    numbers = (_value(match) for match in _NUMBER.finditer(text))
    return next((n for n in reversed(list(numbers)) if n is not None), None)


def whole_number(text: str) -> Fraction | None:
    """The number that a plain text is, but for a unit of up to three words; else None."""
    text = " ".join(text.split())
    match = _NUMBER.match(text) if len(text) <= _LONGEST else None
    return _value(match) if match and _UNIT.fullmatch(text, match.end()) else None


def _value(match: re.Match[str]) -> Fraction | None:
    if len(match[0]) > _DIGITS:
        return None
    value = Fraction(match["first"].replace(",", ""))
    if match["below"]:
        below = Fraction(match["below"])
        if not below:
            return None
        value /= below
    if match["whole"]:
        value += int(match["whole"])
    return -value if (match["sign"] == "-") != bool(match["inner"]) else value
