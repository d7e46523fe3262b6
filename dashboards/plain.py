"""Texts that others have written, LLMs above all, as nothing but text."""

import re
from html import escape

# Links and emoji are found in a text after it was parsed, where no escape helps.
_FOUND_LATER = re.compile(r"(?<=:)(?=//|[\w/+-]+:)|(?<=www)(?=\.)|(?=@[\w-]+\.)", re.IGNORECASE)
_NO_BREAK = "\u2060"
"""Takes no room and breaks no line."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&=])")


def plain(text: str) -> str:
    """Markdown that shows exactly this text on one line: names in captions, labels and headings."""
    apart = _FOUND_LATER.sub(_NO_BREAK, " ".join(text.split()))
    return _MARKDOWN.sub(r"\\\1", apart)


def html(text: str) -> str:
    """HTML that shows exactly this text."""
    return escape(text, quote=True)
