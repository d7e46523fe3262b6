"""PairRM's input layout: one sequence of source, left and right candidate, each with its marker.

    [CLS]<|source|>x[SEP] [CLS]<|candidate1|>a[SEP] [CLS]<|candidate2|>b[SEP]

Each segment is tokenised alone. A text's tokens do not depend on the marker before it, so each
distinct text is tokenised once, whatever its places in pairs, and sequences are joined as arrays.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from workbench.errors import BadModel, BadValue
from workbench.models.markers import MARKERS
from workbench.models.tokens import Tokens, elided

FRAME = 3  # tokens of a segment that are not text: CLS, marker, SEP
_CHUNK = 2048  # texts tokenised at once, which bounds the tokeniser's own memory


class Sequences(NamedTuple):
    """A padded batch of pairs.

    Attributes:
        input_ids: [B, T] int64.
        attention_mask: [B, T] int64, 1 where there is a token.
        markers: [B, 3] int64, places of the source, left and right marker, by construction.
    """

    input_ids: np.ndarray
    attention_mask: np.ndarray
    markers: np.ndarray


class Layout:
    """Turns texts into sequences with a given tokenizer, which must already hold the markers.

    Args:
        tokenizer: a Hugging Face tokenizer, after `add_markers`.
        source_maxlength: most tokens of a source segment, CLS, marker and SEP counted.
        candidate_maxlength: the same of a candidate segment; what a source leaves free of its
            own share is added to both candidates of that pair, half to each.
        elide: a text longer than a candidate's segment loses its middle instead of its end, see
            `elided`; the source may then have no longer segment than a candidate.

    Raises:
        BadValue: a length that leaves no room for text.
        BadModel: a tokenizer without CLS, SEP, padding or markers, or whose tokens of a text
            depend on the marker before it.
    """

    def __init__(
        self,
        tokenizer: Any,
        source_maxlength: int,
        candidate_maxlength: int,
        elide: bool = False,
    ) -> None:
        check_lengths(source_maxlength, candidate_maxlength, elide)
        self.tokenizer = tokenizer
        self.source_maxlength = source_maxlength
        self.candidate_maxlength = candidate_maxlength
        self.elide = elide
        self.cls, self.sep, self.pad = (
            _special(tokenizer, kind) for kind in ("cls_token", "sep_token", "pad_token")
        )
        self.marker_ids = np.array(tokenizer.convert_tokens_to_ids(list(MARKERS)), np.int64)
        # A spelt-out CLS or mask stays what PairRM makes of it; it marks nothing.
        self._forbidden = np.array([*self.marker_ids, self.sep, self.pad], np.int32)
        self._unknown = tokenizer.unk_token_id
        self._check_markers()

    @property
    def max_length(self) -> int:
        """Most tokens of a whole sequence."""
        return self.source_maxlength + 2 * self.candidate_maxlength

    def tokenise(self, texts: Iterable[str]) -> Tokens:
        """Tokens of each text, without frame, cut to the most that any segment could show.

        No text can forge the frame: the separator's spelling becomes a space, and a marker,
        separator or padding that a text still spells after the tokenizer's own normalisation
        (other case, other width) becomes the unknown token.
        """
        parts: list[np.ndarray] = []
        chunk: list[str] = []
        for text in texts:
            chunk.append(text)
            if len(chunk) == _CHUNK:
                parts += self._tokenised(chunk)
                chunk = []
        if chunk:
            parts += self._tokenised(chunk)
        return Tokens.joined(parts)

    def lengths(self, source: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """[P, 3] lengths of the segments as they are shown, from the lengths [P] of the texts.

        Truncation looks at one pair alone, never at its batch.
        """
        first = np.minimum(source + FRAME, self.source_maxlength)
        room = self.candidate_maxlength + (self.source_maxlength - first) // 2
        return np.stack(
            [first, np.minimum(left + FRAME, room), np.minimum(right + FRAME, room)], axis=1
        )

    def join(self, tokens: Tokens, pairs: np.ndarray) -> Sequences:
        """Sequences of pairs [B, 3] (indices of source, left and right text in `tokens`)."""
        length = tokens.length
        shown = self.lengths(length[pairs[:, 0]], length[pairs[:, 1]], length[pairs[:, 2]])
        total = shown.sum(axis=1)
        begin = np.cumsum(shown, axis=1) - shown
        end = begin + shown - 1
        ids = np.full((len(pairs), int(total.max(initial=0))), self.pad, np.int64)
        row = np.arange(len(pairs))[:, None]
        ids[row, begin] = self.cls
        ids[row, begin + 1] = self.marker_ids[:3]
        ids[row, end] = self.sep
        for k in range(3):
            count = shown[:, k] - FRAME
            within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            rows = np.repeat(np.arange(len(pairs)), count)
            source = tokens.start[pairs[:, k]][rows] + within
            ids[rows, begin[rows, k] + 2 + within] = tokens.ids[source]
        mask = (np.arange(ids.shape[1]) < total[:, None]).astype(np.int64)
        return Sequences(ids, mask, begin + 1)

    def _tokenised(self, texts: list[str]) -> list[np.ndarray]:
        most = max(self.source_maxlength, self.candidate_maxlength + self.source_maxlength // 2)
        framed = [MARKERS[0] + text.replace(self.tokenizer.sep_token, " ") for text in texts]
        parts = [self._harmless(np.array(ids[1:], np.int32)) for ids in self._raw(framed)]
        if self.elide:
            mark = self._raw([MARKERS[0] + "…"])[0][-1]
            parts = [elided(ids, self.candidate_maxlength - FRAME, mark) for ids in parts]
        return [ids[:most] for ids in parts]

    def _harmless(self, ids: np.ndarray) -> np.ndarray:
        forged = np.isin(ids, self._forbidden)
        if not forged.any():
            return ids
        return ids[~forged] if self._unknown is None else np.where(forged, self._unknown, ids)

    def _raw(self, texts: list[str]) -> list[list[int]]:
        answer = self.tokenizer(
            texts, add_special_tokens=False, return_attention_mask=False, verbose=False
        )
        ids: list[list[int]] = answer["input_ids"]
        return ids

    def _check_markers(self) -> None:
        if len(set(self.marker_ids.tolist()) - {self.tokenizer.unk_token_id, None}) < len(MARKERS):
            raise BadModel(f"the tokenizer does not hold the markers {', '.join(MARKERS)}")
        for probe in ("", "Why?", " a\nb"):
            found = self._raw([marker + probe for marker in MARKERS])
            heads = [ids[:1] for ids in found]
            if heads != [[i] for i in self.marker_ids] or any(
                ids[1:] != found[0][1:] for ids in found
            ):
                raise BadModel(
                    f"{type(self.tokenizer).__name__} does not keep a marker and the text after "
                    f"it apart: {MARKERS[0] + probe!r} becomes {found[0]}"
                )


def check_lengths(source_maxlength: int, candidate_maxlength: int, elide: bool) -> None:
    """Raises BadValue where a segment has no room for a single token of text.

    Texts are elided before it is known in which places they stand, to a candidate's length, so
    that with `elide` no longer source can be asked for.
    """
    if elide and source_maxlength > candidate_maxlength:
        expected = f"at most candidate_maxlength, {candidate_maxlength}, with elide"
        raise BadValue("source_maxlength", source_maxlength, expected)
    for name, value in (
        ("source_maxlength", source_maxlength),
        ("candidate_maxlength", candidate_maxlength),
    ):
        if value <= FRAME:
            raise BadValue(name, value, f"more than {FRAME} (CLS, marker and SEP are counted)")


def _special(tokenizer: Any, kind: str) -> int:
    token = getattr(tokenizer, f"{kind}_id")
    if token is None:
        raise BadModel(
            f"{type(tokenizer).__name__} has no {kind}: an encoder's tokenizer is needed"
        )
    return int(token)
