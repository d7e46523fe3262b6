"""Answers that are put together from what the candidates say, n tokens in a row at least.

A small model that may write anything mostly writes nonsense; one that may only go on as one of
the candidates does has to choose between them, which is far easier to learn.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor

from workbench.errors import BadValue

_NONE = -1  # stands between two candidates and behind the last


class CopyNGram(LogitsProcessor):
    """Bans each token that would end n tokens in a row that no candidate has.

    At an answer's begin, where fewer than n tokens are written, these must occur so too. An
    answer may end anywhere, and must where no candidate goes on. For any model and number of
    beams, in transformers' own `generate` too.

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
        rows = torch.arange(len(scores), device=scores.device)
        prompt = rows // (len(scores) // len(self.sources))
        return self.allowed_only(scores, input_ids[:, self.begin :], prompt)

    def allowed_only(self, scores: Tensor, written: Tensor, prompt: Tensor) -> Tensor:
        """Scores [R, V], −inf where banned, of rows that go on from `written` [R, T].

        Args:
            scores: [R, V].
            written: [R, T] the answers so far.
            prompt: [R] whose candidates are each row's.
        """
        last = written[:, max(0, written.shape[1] - self.n + 1) :]
        allowed = following(self.sources[prompt], last, scores.shape[1])
        allowed[:, self.ends] = True
        return scores.masked_fill(~allowed, -torch.inf)


def following(source: Tensor, last: Tensor, vocabulary: int) -> Tensor:
    """[R, vocabulary] bool: tokens that somewhere in `source` [R, S] come right behind `last`.

    `last` [R, m] are m tokens in a row, none of them negative; with m = 0 all tokens of the
    source are given. Negative ids in the source are no tokens.

    >>> following(torch.tensor([[1, 2, 1, 3, -1]]), torch.tensor([[1]]), 4).nonzero()[:, 1].tolist()
    [2, 3]
    """
    m, width = last.shape[1], source.shape[1]
    behind = source[:, m:]
    there = behind >= 0
    for place in range(m if behind.shape[1] else 0):
        there &= source[:, place : width - m + place] == last[:, place, None]
    # One column more takes what is not there.
    found = torch.zeros(len(source), vocabulary + 1, dtype=torch.bool, device=source.device)
    found.scatter_(1, torch.where(there, behind, vocabulary), True)
    return found[:, :vocabulary]


def source_table(sources: Sequence[Sequence[Sequence[int]]]) -> Tensor:
    """[P, S] int64: each prompt's candidates one after the other, −1 behind each."""
    joined = [[token for one in some for token in (*one, _NONE)] for some in sources]
    table = torch.full((len(joined), max(map(len, joined), default=0)), _NONE)
    for row, tokens in enumerate(joined):
        table[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.int64)
    return table
