"""A tagger of one's own, as a user writes it."""

from workbench.routing.tagger import Tagger


class LengthTagger(Tagger):
    """Short or long."""

    kind = "length"

    def __init__(self, *, words: int = 6, label: str | None = None) -> None:
        super().__init__(label or f"{words}")
        self.words = words

    def content(self) -> str:
        return f"{self.words} words"

    def tags(self, prompts):
        for prompt in prompts:
            long = len(prompt.text.split()) > self.words
            yield prompt, ("long" if long else "short",)
