"""Two texts with the words that both have marked, as HTML in which nothing else means anything."""

import re

from dashboards.foreign import seen
from dashboards.plain import html

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_TELLING = 4  # characters: shorter words are in most texts
_MARK = "background-color:rgba(245,180,30,.34);color:inherit;border-radius:3px"
_BOX = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.55"


def shared_words(one: str, other: str) -> frozenset[str]:
    """The words that stand in both texts, in lower case."""
    return frozenset(_words(one)) & frozenset(_words(other))


def marked(text: str, shared: frozenset[str]) -> str:
    """The text as HTML, with runs of shared words marked.

    A run is marked whole where one of its words has four letters or is a number: short words are in
    most texts, and marked alone they would tell nothing.
    """
    text, done, parts = seen(text), 0, []
    for start, end in _runs(text, shared):
        parts.append(html(text[done:start]))
        parts.append(f'<mark style="{_MARK}">{html(text[start:end])}</mark>')
        done = end
    parts.append(html(text[done:]))
    return f'<div dir="auto" style="{_BOX}">{"".join(parts)}</div>'


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(seen(text))]


def _runs(text: str, shared: frozenset[str]) -> list[tuple[int, int]]:
    """Start and end of each run of shared words with only blanks between them."""
    runs: list[list[re.Match[str]]] = []
    for word in _WORD.finditer(text):
        if word.group().lower() not in shared:
            continue
        if runs and text[runs[-1][-1].end() : word.start()].isspace():
            runs[-1].append(word)
        else:
            runs.append([word])
    return [(run[0].start(), run[-1].end()) for run in runs if any(_tells(w.group()) for w in run)]


def _tells(word: str) -> bool:
    return len(word) >= _TELLING or word.isdigit()
