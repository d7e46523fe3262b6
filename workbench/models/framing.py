"""One text or a prompt with one answer as a sequence, framed as the tokenizer itself does it.

A pointwise ranker reads `[CLS] x [SEP] y [SEP]` (BERT's frame; other tokenizers have others). The
texts are cut first, each to its own length, and the frame is put around what is left, so that
truncation looks at one sequence alone.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from workbench.errors import BadModel, BadValue
from workbench.models.tokens import Tokens, elided

SINGLE_FRAME = 8
"""Tokens allowed for the frame of a single text, where positions are counted before a tokenizer is
there."""
_PROBE = ("one", "two")
_CHUNK = 2048  # texts tokenised at once


class Framed(NamedTuple):
    """Sequences ready to be padded.

    Attributes:
        tokens: ids of each sequence, its frame included.
        second: [n] where the second text's token types begin; the length where there are none.
    """

    tokens: Tokens
    second: np.ndarray

    @staticmethod
    def joined(parts: Sequence["Framed"]) -> "Framed":
        """The sequences of several, in their order."""
        second = [part.second for part in parts]
        none = np.zeros(0, np.int64)
        return Framed(
            Tokens.concatenated([part.tokens for part in parts]),
            np.concatenate(second) if second else none,
        )

    def padded(self, rows: np.ndarray, pad: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids, attention mask and token types [B, T] int64 of the sequences `rows` [B]."""
        length = self.tokens.length[rows]
        place = np.arange(int(length.max(initial=0)))
        there = place < length[:, None]
        ids = np.full(there.shape, pad, np.int64)
        starts = np.repeat(self.tokens.start[rows], length)
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        ids[there] = self.tokens.ids[starts + within]
        types = (place >= self.second[rows, None]) & there
        return ids, there.astype(np.int64), types.astype(np.int64)

    def distinct(self) -> tuple["Framed", np.ndarray]:
        """Each sequence once, and for each [n] its place among them.

        Texts that differ only where they are cut must tie exactly; two copies of a sequence in
        two batches would differ by rounding.
        """
        start = self.tokens.start.tolist()
        seen: dict[tuple[bytes, int], int] = {}
        group = np.zeros(len(self.second), np.int64)
        first: list[int] = []
        for row, second in enumerate(self.second.tolist()):
            key = (self.tokens.ids[start[row] : start[row + 1]].tobytes(), second)
            group[row] = seen.setdefault(key, len(seen))
            if len(first) < len(seen):
                first.append(row)
        return self.chosen(np.array(first, np.int64)), group

    def chosen(self, rows: np.ndarray) -> "Framed":
        """Some of the sequences, or all in another order."""
        start = self.tokens.start.tolist()
        parts = [self.tokens.ids[start[row] : start[row + 1]] for row in rows.tolist()]
        return Framed(Tokens.joined(parts), self.second[rows])


class Framing:
    """Frames texts with a given tokenizer.

    No text can forge the frame: special tokens that it spells become the unknown token.

    Args:
        tokenizer: a Hugging Face tokenizer.
        source_maxlength: most tokens of a prompt's text, the frame not counted.
        candidate_maxlength: the same of a candidate's.
        elide: a longer text loses its middle instead of its end, see `layout.elided`.

    Raises:
        BadValue: a length below 1.
        BadModel: a tokenizer without padding, or whose frame depends on the texts.
    """

    def __init__(
        self, tokenizer: Any, source_maxlength: int, candidate_maxlength: int, elide: bool = False
    ) -> None:
        check_text_lengths(source_maxlength, candidate_maxlength)
        if tokenizer.pad_token_id is None:
            raise BadModel(f"{type(tokenizer).__name__} has no padding token")
        self.tokenizer = tokenizer
        self.pad = int(tokenizer.pad_token_id)
        self.source_maxlength = source_maxlength
        self.candidate_maxlength = candidate_maxlength
        self.elide = elide
        self._unknown = tokenizer.unk_token_id
        special = set(tokenizer.all_special_ids) - {self._unknown}
        self._forbidden = np.array(sorted(special), np.int32)
        self._single, _ = self._frame(1)
        self._pair, types = self._frame(2)
        # Types count from the frame behind the first text, or from the second text itself.
        end = len(self._pair[0]) + len(self._ids(_PROBE[0]))
        self._type_from = int(np.argmax(types > 0)) - end if types.any() else None
        if self._type_from is not None and not (
            0 <= self._type_from <= len(self._pair[1])
            and (types == (np.arange(len(types)) >= end + self._type_from)).all()
        ):
            raise BadModel(f"{type(tokenizer).__name__} has token types that follow no frame")

    def frame_length(self, texts: int) -> int:
        """Tokens of the frame around one text or two."""
        return sum(map(len, self._single if texts == 1 else self._pair))

    @property
    def closing(self) -> int:
        """Tokens of the frame behind the second of two texts."""
        return len(self._pair[2])

    def pairs(self, prompts: Sequence[str], candidates: Sequence[str]) -> Framed:
        """Sequences of P prompts, each with a candidate."""
        x = self._distinct(prompts, self.source_maxlength)
        y = self._distinct(candidates, self.candidate_maxlength)
        before, between, after = self._pair
        parts, second = [], np.zeros(len(prompts), np.int64)
        for row, (prompt, candidate) in enumerate(zip(prompts, candidates, strict=True)):
            one, two = x[prompt], y[candidate]
            parts.append(np.concatenate([before, one, between, two, after]))
            second[row] = len(parts[-1])
            if self._type_from is not None:
                second[row] = len(before) + len(one) + self._type_from
        return Framed(Tokens.joined(parts), second)

    def singles(self, texts: Sequence[str], most: int) -> Framed:
        """Sequences of one text each, of at most `most` tokens of text."""
        ids = self._distinct(texts, most)
        before, after = self._single
        tokens = Tokens.joined([np.concatenate([before, ids[text], after]) for text in texts])
        return Framed(tokens, tokens.length)

    def _distinct(self, texts: Sequence[str], most: int) -> dict[str, np.ndarray]:
        """Ids of each distinct text, cut to `most`."""
        distinct = list(dict.fromkeys(texts))
        found: dict[str, np.ndarray] = {}
        mark = self._ids("…")[-1:] if self.elide else None
        for chunk in _chunks(distinct):
            answer = self.tokenizer(
                chunk, add_special_tokens=False, return_attention_mask=False, verbose=False
            )
            for text, ids in zip(chunk, answer["input_ids"], strict=True):
                array = self._harmless(np.array(ids, np.int32))
                if mark is not None and len(mark):
                    array = elided(array, most, int(mark[0]))
                found[text] = array[:most]
        return found

    def _harmless(self, ids: np.ndarray) -> np.ndarray:
        forged = np.isin(ids, self._forbidden)
        if not forged.any():
            return ids
        return ids[~forged] if self._unknown is None else np.where(forged, self._unknown, ids)

    def _ids(self, text: str) -> np.ndarray:
        return np.array(self.tokenizer(text, add_special_tokens=False)["input_ids"], np.int32)

    def _frame(self, texts: int) -> tuple[list[np.ndarray], np.ndarray]:
        """The ids before, between and after texts, and the token types of a framed probe."""
        answer = self.tokenizer(*_PROBE[:texts], return_token_type_ids=True)
        ids = np.array(answer["input_ids"], np.int32)
        cuts = [0]
        for probe in _PROBE[:texts]:
            part = self._ids(probe)
            starts = np.arange(cuts[-1], len(ids) - len(part) + 1)
            fits = [s for s in starts if len(part) and (ids[s : s + len(part)] == part).all()]
            if not fits:
                name = type(self.tokenizer).__name__
                raise BadModel(f"{name} does not keep the texts of a pair apart")
            cuts += [int(fits[0]), int(fits[0]) + len(part)]
        pieces = [ids[a:b] for a, b in list(pairwise([*cuts, len(ids)]))[::2]]
        return pieces, np.array(answer["token_type_ids"], np.int64)


def framing_of_singles(tokenizer: Any, max_tokens: int, elide: bool) -> Framing:
    """Framing of single texts of at most `max_tokens`.

    Raises:
        BadValue: a frame of more than `SINGLE_FRAME` tokens, or a length below 1.
        BadModel: see `Framing`.
    """
    framing = Framing(tokenizer, max_tokens, max_tokens, elide)
    if (length := framing.frame_length(1)) > SINGLE_FRAME:
        raise BadValue("frame of the tokenizer", length, f"at most {SINGLE_FRAME} tokens")
    return framing


def check_text_lengths(source_maxlength: int, candidate_maxlength: int) -> None:
    """Raises BadValue for a length that leaves no room for a single token of text."""
    for name, value in (
        ("source_maxlength", source_maxlength),
        ("candidate_maxlength", candidate_maxlength),
    ):
        if value < 1:
            raise BadValue(name, value, "at least one token")


def _chunks(texts: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(texts), _CHUNK):
        yield texts[first : first + _CHUNK]
