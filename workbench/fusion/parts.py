"""The language model under a fuser: loaded, or made from scratch."""

from collections.abc import Iterable
from typing import Any

from workbench.fusion.seq2seq import read_language_model
from workbench.fusion.tiny_seq2seq import TinySeq2Seq, tiny_seq2seq
from workbench.models.encoder import EncoderOptions, finished


def make_parts(
    model: str | TinySeq2Seq, options: EncoderOptions, texts: Iterable[str] | None
) -> tuple[Any, Any]:
    """Model and tokenizer; see `read_language_model` and `tiny_seq2seq` for errors."""
    if isinstance(model, str):
        return read_language_model(model, options)
    made, tokenizer = tiny_seq2seq(model, texts)
    return finished(made, options), tokenizer
