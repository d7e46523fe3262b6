"""What a decoding asks of the scores, as transformers' logits processors."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import (
    ForcedBOSTokenLogitsProcessor,
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from workbench.fusion.copying import CopyNGram
from workbench.fusion.decoding import Decoding
from workbench.fusion.sampling import GumbelNoise


class NoRepeatInAnswer(NoRepeatNGramLogitsProcessor):
    """No n tokens in a row occur twice in an answer; what its prompt has is free.

    Of a causal model, transformers' own looks at prompt and padding too: no candidate's words
    could be taken over, and an answer would depend on its batch.

    Args:
        n: tokens in a row.
        begin: tokens before the answer's first.
    """

    def __init__(self, n: int, begin: int) -> None:
        super().__init__(n)
        self.begin = begin

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores [R, V], −inf where banned."""
        return super().__call__(input_ids[:, self.begin :], scores)


def processors(
    decoding: Decoding,
    begin: int,
    keys: Sequence[str],
    *,
    sources: Sequence[Sequence[Sequence[int]]] | None,
    ends: Sequence[int],
    first: int | None,
    device: torch.device | str = "cpu",
) -> LogitsProcessorList:
    """Processors of one batch, in the order they are to be applied.

    Args:
        decoding: what is asked for.
        begin: tokens before the answer's first in what the model is given.
        keys: [P] of each prompt's stream of draws.
        sources: [P] candidates to copy from, where the decoding asks for that.
        ends: the end tokens.
        first: a token that every answer has to begin with; it is no part of what is copied.
        device: where scores are.
    """
    free = begin + (first is not None)
    found = LogitsProcessorList()
    if decoding.no_repeat_ngram:
        found.append(NoRepeatInAnswer(decoding.no_repeat_ngram, free))
    if decoding.copy_ngram and sources is not None:
        found.append(CopyNGram(sources, decoding.copy_ngram, ends, free, device))
    if decoding.temperature:
        found.append(TemperatureLogitsWarper(decoding.temperature))
        if decoding.top_p < 1:
            found.append(TopPLogitsWarper(decoding.top_p))
        found.append(GumbelNoise(keys, decoding.seed))
    if first is not None:
        found.append(ForcedBOSTokenLogitsProcessor(first))
    return found
