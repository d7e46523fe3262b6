"""The language model under a fuser: loaded, started from an encoder, or made from scratch."""

from collections.abc import Iterable
from typing import Any

import torch

from workbench.fusion.seq2seq import read_language_model
from workbench.fusion.tiny_seq2seq import TinySeq2Seq, tiny_seq2seq
from workbench.fusion.warm_seq2seq import WarmSeq2Seq, warm_seq2seq
from workbench.models.encoder import EncoderOptions

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""Of weights."""


def make_parts(
    model: str | TinySeq2Seq | WarmSeq2Seq,
    options: EncoderOptions,
    texts: Iterable[str] | None,
    dtype: str,
) -> tuple[Any, Any]:
    """Model and tokenizer.

    Args:
        model, options, texts: see GenFuser.
        dtype: of the weights, one of DTYPES.

    Raises:
        BadModel, BadValue: see `read_language_model`, `warm_seq2seq` and `tiny_seq2seq`.
    """
    if isinstance(model, str):
        return read_language_model(model, options, DTYPES[dtype])
    if isinstance(model, WarmSeq2Seq):
        made, tokenizer = warm_seq2seq(model, options)
    else:
        made, tokenizer = tiny_seq2seq(model, options, texts)
    return made.to(DTYPES[dtype]), tokenizer
