"""Answers that are put together from what the candidates say, n tokens in a row at least.

A small model that may write anything mostly writes nonsense; one that may only go on as one of
the candidates does has to choose between them, which is far easier to learn.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LogitsProcessor

from workbench.errors import BadValue

_BEGIN, _END = -2, -1  # stand before and behind each candidate


class CopyNGram(LogitsProcessor):
    """Bans each token that would end n tokens in a row that no candidate has.

    A candidate's begin and end count as tokens: an answer begins as a candidate does, and ends
    where n − 1 tokens before it end one. Where nothing else is left it ends. For any model and
    number of beams.

    Args:
        sources: token ids of each prompt's candidates.
        n: tokens in a row, at least 1.
        ends: ids of the end tokens.
        begin: tokens before the answer's first in what a model is given: 1 (the start token) in
            an encoder–decoder, the length of the padded prompts in a causal model.
        device: where scores are.

    Raises:
        BadValue: an n that cannot be used.
    """

    def __init__(
        self,
        sources: Sequence[Sequence[Sequence[int]]],
        n: int,
        ends: Sequence[int],
        begin: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        if n < 1:
            raise BadValue("copy_ngram", n, "a positive number")
        self.n, self.begin = n, begin
        self.sources = source_table(sources).to(device)
        self.ends = torch.tensor(list(ends), device=device)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores [R, V], −inf where banned; R rows, equally many of each prompt in turn."""
        sources = self.sources.repeat_interleave(len(scores) // len(self.sources), dim=0)
        written = functional.pad(input_ids[:, self.begin :], (1, 0), value=_BEGIN)
        last = written[:, max(0, written.shape[1] - self.n + 1) :]
        found = following(sources, last, scores.shape[1])
        allowed, stops = found[:, :-1], found[:, -1:]
        # What something else has banned is nothing to go on with.
        stops = stops | ~(allowed & scores.isfinite()).any(dim=1, keepdim=True)
        allowed[:, self.ends] = stops
        return scores.masked_fill(~allowed, -torch.inf)


def following(source: Tensor, last: Tensor, vocabulary: int) -> Tensor:
    """[R, vocabulary + 1] bool: tokens that somewhere in `source` [R, S] come right behind
    `last`, and whether there a candidate ends.

    `last` [R, m] are m tokens in a row, or m − 1 behind a begin; with m = 0 all tokens of the
    source are given, and an end.

    >>> found = following(torch.tensor([[-2, 1, 2, 1, 3, 1, -1]]), torch.tensor([[1]]), 4)
    >>> found.nonzero()[:, 1].tolist()
    [2, 3, 4]
    """
    m, width = last.shape[1], source.shape[1]
    behind = source[:, m:]
    there = behind != _BEGIN
    for place in range(m if behind.shape[1] else 0):
        there &= source[:, place : width - m + place] == last[:, place, None]
    # One column more takes what is not there.
    token = torch.where(behind == _END, vocabulary, behind)
    found = torch.zeros(len(source), vocabulary + 2, dtype=torch.bool, device=source.device)
    found.scatter_(1, torch.where(there, token, vocabulary + 1), True)
    return found[:, :-1]


def source_table(sources: Sequence[Sequence[Sequence[int]]]) -> Tensor:
    """[P, S] int64: each prompt's candidates one after the other, each between its marks."""
    joined = [[t for one in some for t in (_BEGIN, *one, _END)] for some in sources]
    table = torch.full((len(joined), max(map(len, joined), default=0)), _END)
    for row, tokens in enumerate(joined):
        table[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.int64)
    return table
