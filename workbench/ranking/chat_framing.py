"""A prompt and an answer as a chat of two turns, written by the tokenizer's own chat template.

The texts are cut first, each to its own length, so that a long prompt never costs the answer.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jinja2 import TemplateError

from workbench.errors import BadModel
from workbench.models.framing import Framed, Framing
from workbench.models.tokens import Tokens, elided

_CHUNK = 2048  # chats tokenised at once
_MARKS = ("…", "...", ".")  # for what is left out: the first that is one token


class ChatFraming(Framing):
    """Frames a prompt as the user's turn and a candidate as the assistant's.

    A text keeps its length in tokens but for one or two where it touches the template. No text
    can forge a turn: what spells a special token is broken by a blank.

    Args:
        tokenizer, source_maxlength, candidate_maxlength, elide: see `Framing`.

    Raises:
        BadModel: a tokenizer without a chat template, with one that takes no such chat, or
            without the places of its tokens in a text.
    """

    def __init__(
        self, tokenizer: Any, source_maxlength: int, candidate_maxlength: int, elide: bool = False
    ) -> None:
        super().__init__(tokenizer, source_maxlength, candidate_maxlength, elide)
        name = type(tokenizer).__name__
        if not tokenizer.chat_template:
            raise BadModel(f"this {name} has no chat template: use template = 'pair'")
        if not tokenizer.is_fast:
            raise BadModel(f"{name} does not tell where in a text its tokens are")
        self._mark = next((mark for mark in _MARKS if len(self._ids(mark)) == 1), "")
        self._special = [token for token in tokenizer.all_special_tokens if len(token) > 1]
        probe = self._tokenised([("one", "two")])[0]
        self._chat_frame = len(probe) - sum(len(self._ids(text)) for text in ("one", "two"))

    def frame_length(self, texts: int) -> int:
        """Tokens of the frame around one text or of a chat."""
        return self._chat_frame if texts == 2 else super().frame_length(texts)

    def pairs(self, prompts: Sequence[str], candidates: Sequence[str]) -> Framed:
        """Sequences of P prompts, each with a candidate."""
        x = self._cut(prompts, self.source_maxlength)
        y = self._cut(candidates, self.candidate_maxlength)
        parts: list[np.ndarray] = []
        for first in range(0, len(prompts), _CHUNK):
            some = slice(first, first + _CHUNK)
            turns = zip(prompts[some], candidates[some], strict=True)
            parts += self._tokenised([(x[one], y[two]) for one, two in turns])
        tokens = Tokens.joined(parts)
        return Framed(tokens, tokens.length)

    def _tokenised(self, turns: Sequence[tuple[str, str]]) -> list[np.ndarray]:
        chats = [
            [{"role": "user", "content": one}, {"role": "assistant", "content": two}]
            for one, two in turns
        ]
        try:
            texts = self.tokenizer.apply_chat_template(chats, tokenize=False)
        except (TemplateError, TypeError, ValueError) as error:
            raise BadModel(
                f"the tokenizer's chat template takes no user and assistant turn: {error}"
            ) from error
        answer = self.tokenizer(texts, add_special_tokens=False, verbose=False)
        return [np.array(ids, np.int32) for ids in answer["input_ids"]]

    def _cut(self, texts: Sequence[str], most: int) -> dict[str, str]:
        """Each distinct text, cut to `most` tokens."""
        distinct = list(dict.fromkeys(texts))
        found: dict[str, str] = {}
        for first in range(0, len(distinct), _CHUNK):
            chunk = distinct[first : first + _CHUNK]
            plain = [self._broken(text) for text in chunk]
            answer = self.tokenizer(
                plain, add_special_tokens=False, return_offsets_mapping=True, verbose=False
            )
            for text, own, spans in zip(chunk, plain, answer["offset_mapping"], strict=True):
                found[text] = self._shortened(own, np.array(spans).reshape(-1, 2), most)
        return found

    def _broken(self, text: str) -> str:
        for token in self._special:
            text = text.replace(token, f"{token[0]} {token[1:]}")
        return text

    def _shortened(self, text: str, spans: np.ndarray, most: int) -> str:
        """A text of tokens at `spans` [n, 2], cut to `most` of them."""
        if len(spans) <= most:
            return text
        if not self.elide:
            return text[: spans[most - 1, 1]]
        kept = elided(np.arange(len(spans)), most, -1)
        marks = np.flatnonzero(kept < 0)
        begin = text[: spans[marks[0] - 1, 1]] if marks[0] else ""
        behind = kept[marks[-1] + 1 :]
        end = text[spans[behind[0], 0] :] if len(behind) else ""
        return begin + self._mark * len(marks) + end
