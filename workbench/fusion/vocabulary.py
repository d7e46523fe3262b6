"""A vocabulary for a tiny seq2seq model: whole words and characters, so that any text comes back.

The WordPiece of tiny encoders loses case, line breaks and blanks, which a reader does not miss
but a writer does.
"""

from collections import Counter
from collections.abc import Iterable
from math import log
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from workbench.errors import BadValue

_BLANK = "▁"
_SPECIAL = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
_CHARACTERS = 2  # characters get at most this part (a half) of the vocabulary
_SPELLED = 5.0  # a character costs so much more than it is rare: a known word is never spelled


def seq2seq_tokenizer(texts: Iterable[str], vocab_size: int) -> Any:
    """A tokenizer of the commonest words and characters of `texts`; equal texts, equal vocabulary.

    What it does not know as a word it spells. Decoding gives back the text, but for characters
    that are unknown, and `▁`, which is a blank. It frames nothing: the end token is appended by
    who wants it.

    Raises:
        BadValue: texts without a single character.
    """
    blanks, split = _blanks(), _splitting()
    words: Counter[str] = Counter()
    for text in texts:
        pieces = split.pre_tokenize_str(blanks.normalize_str(text))
        words.update(piece for piece, _ in pieces)
    characters: Counter[str] = Counter({_BLANK: 1})
    for word, count in words.items():
        for character in word:
            characters[character] += count
    if not words:
        raise BadValue("texts", [], "texts with words, to make the tiny model's vocabulary of")
    spelled = _commonest(characters, (vocab_size - len(_SPECIAL)) // _CHARACTERS)
    room = vocab_size - len(_SPECIAL) - len(spelled)
    whole = _commonest(Counter({w: n for w, n in words.items() if len(w) > 1}), room)
    total = words.total()
    entries = [(token, 0.0) for token in _SPECIAL.values()]
    entries += [(c, log(1 / total) - _SPELLED) for c in spelled]
    entries += [(word, log(words[word] / total)) for word in whole]
    tokenizer = Tokenizer(models.Unigram(entries, unk_id=len(_SPECIAL) - 1))
    tokenizer.normalizer, tokenizer.pre_tokenizer = blanks, split
    plain = decoders.Replace(_BLANK, " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)
    tokenizer.decoder = decoders.Sequence(list(plain))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **_SPECIAL)


def _blanks() -> Any:
    """Blanks as characters of their own, and one before the first word, always: a `Metaspace`
    leaves it out where the text begins with one."""
    return normalizers.Sequence([normalizers.Prepend(" "), normalizers.Replace(" ", _BLANK)])


def _splitting() -> Any:
    """Words with the blank before them, punctuation and line breaks apart."""
    words = pre_tokenizers.Split(_BLANK, "merged_with_next")
    breaks = pre_tokenizers.Split(Regex(r"[\n\t]"), "isolated")
    return pre_tokenizers.Sequence([words, pre_tokenizers.Punctuation("isolated"), breaks])


def _commonest(counted: Counter[str], most: int) -> list[str]:
    """Sorted by count, then by spelling, so that ties are not broken by chance."""
    order = sorted(counted, key=lambda entry: (-counted[entry], entry))
    return order[: max(0, most)]
