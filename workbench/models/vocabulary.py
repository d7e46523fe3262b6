"""A vocabulary for a tiny encoder: the commonest words of the training texts, and characters."""

from collections.abc import Iterable
from typing import Any

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from workbench.errors import BadValue
from workbench.models.markers import add_markers

_SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_CHARACTERS = 4  # characters get at most this part (a quarter) of the vocabulary


def tiny_tokenizer(texts: Iterable[str], vocab_size: int, *, markers: bool = True) -> Any:
    """A lower-casing WordPiece tokenizer of `texts`, with PairRM's markers added if wanted.

    Equal texts always give the same vocabulary. (The `tokenizers` library's own WordPiece
    trainer does not: it breaks ties by chance, so that no run could be continued or repeated.)

    Raises:
        BadValue: texts without a single word.
    """
    words = _words(texts, vocab_size)
    if not words:
        raise BadValue("texts", [], "texts with words, to make the tiny encoder's vocabulary of")
    characters = list(dict.fromkeys("".join(words)))[: vocab_size // _CHARACTERS // 2]
    entries = dict.fromkeys(
        [*_SPECIAL.values(), *characters, *(f"##{c}" for c in characters), *words]
    )
    vocabulary = {entry: i for i, entry in enumerate(list(entries)[:vocab_size])}
    unknown = _SPECIAL["unk_token"]
    tokenizer = _lower_casing(models.WordPiece(vocab=vocabulary, unk_token=unknown))
    tokenizer.decoder = decoders.WordPiece()
    frame = [(token, vocabulary[token]) for token in (_SPECIAL["cls_token"], _SPECIAL["sep_token"])]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=frame
    )
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **_SPECIAL)
    if markers:
        add_markers(wrapped)
    return wrapped


def _words(texts: Iterable[str], most: int) -> list[str]:
    # Sorted by count, then by spelling.
    tokenizer = _lower_casing(models.WordLevel(unk_token=_SPECIAL["unk_token"]))
    trainer = trainers.WordLevelTrainer(vocab_size=most, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _lower_casing(model: Any) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer
