"""Texts that others have written, LLMs above all, as nothing but text."""

import re
from html import escape

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&=])")


def plain(text: str) -> str:
    """Markdown that shows exactly this text on one line: names in captions, labels and headings."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def html(text: str) -> str:
    """HTML that shows exactly this text."""
    return escape(text, quote=True)
