"""The language model under a fuser: loaded, started from an encoder, or made from scratch."""

from collections.abc import Iterable
from typing import Any

from workbench.fusion.seq2seq import read_language_model
from workbench.fusion.tiny_seq2seq import TinySeq2Seq, tiny_seq2seq
from workbench.fusion.warm_seq2seq import WarmSeq2Seq, warm_seq2seq
from workbench.models.encoder import EncoderOptions, finished


def make_parts(
    model: str | TinySeq2Seq | WarmSeq2Seq, options: EncoderOptions, texts: Iterable[str] | None
) -> tuple[Any, Any]:
    """Model and tokenizer; see `read_language_model`, `warm_seq2seq` and `tiny_seq2seq` for
    errors."""
    if isinstance(model, str):
        return read_language_model(model, options)
    if isinstance(model, WarmSeq2Seq):
        return warm_seq2seq(model, options)
    made, tokenizer = tiny_seq2seq(model, texts)
    return finished(made, options), tokenizer
