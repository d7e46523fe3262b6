"""Texts as token ids: each distinct text once, and nothing that a text spells becomes special."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_CHUNK = 2048  # texts tokenised at once, which bounds the tokeniser's own memory


def token_ids(tokenizer: Any, texts: Iterable[str]) -> dict[str, list[int]]:
    """Ids of each distinct text, without any frame."""
    return dict(_tokenised(tokenizer, texts, "input_ids"))


def token_ends(tokenizer: Any, texts: Iterable[str]) -> dict[str, list[int]]:
    """Where in each distinct text its tokens end; of a fast tokenizer."""
    told = _tokenised(tokenizer, texts, "offset_mapping", return_offsets_mapping=True)
    return {text: [end for _, end in spans] for text, spans in told}


def _tokenised(
    tokenizer: Any, texts: Iterable[str], field: str, **options: Any
) -> Iterator[tuple[str, Any]]:
    distinct = list(dict.fromkeys(texts))
    for first in range(0, len(distinct), _CHUNK):
        chunk = distinct[first : first + _CHUNK]
        answer = tokenizer(chunk, add_special_tokens=False, verbose=False, **options)
        yield from zip(chunk, answer[field], strict=True)


def plain_texts(tokenizer: Any, texts: Iterable[str]) -> dict[str, str]:
    """Each distinct text with a blank inside whatever spells a special token.

    Asking the tokenizer not to look for special tokens would not do: T5's vocabulary holds them
    as pieces too, and they score best.
    """
    special = special_tokens(tokenizer)
    found = {}
    for text in dict.fromkeys(texts):
        plain = text
        for token in special:
            plain = plain.replace(token, f"{token[0]} {token[1:]}")
        found[text] = plain
    return found


def special_tokens(tokenizer: Any) -> list[str]:
    """Special tokens that a text could spell, longest first."""
    added = tokenizer.added_tokens_decoder.values()
    tokens = {str(token) for token in added if token.special} | set(tokenizer.all_special_tokens)
    return sorted((token for token in tokens if len(token) > 1), key=lambda t: (-len(t), t))


def special_ids(tokenizer: Any) -> frozenset[int]:
    """Ids of special tokens, but for the unknown word's, which any text may hold."""
    ids = {tokenizer.convert_tokens_to_ids(token) for token in special_tokens(tokenizer)}
    return frozenset(ids - {tokenizer.unk_token_id, None})


def without_special(ids: Sequence[int], fixed: int, special: frozenset[int]) -> Sequence[int]:
    """Ids without the special ones behind the first `fixed`.

    A normaliser can make a special token of what did not spell one (`＜/s＞` of full width).
    """
    if special.isdisjoint(ids[fixed:]):
        return ids
    return [*ids[:fixed], *(one for one in ids[fixed:] if one not in special)]
