"""Answers of one batch by beam search."""

import torch
from torch import Tensor

from workbench.fusion.decoding import Decoding
from workbench.fusion.rules import Rules, until_end
from workbench.fusion.steps import Steps
from workbench.fusion.token_by_token import LEAVE

_NEVER = -1.0e9  # log-likelihood of what is no hypothesis


def beam_search(steps: Steps, rules: Rules, ends: Tensor, decoding: Decoding) -> list[list[int]]:
    """Tokens of each prompt's likeliest hypothesis, the end token left out.

    The search of transformers' `generate` (early_stopping=False): a prompt is done once none of
    its open hypotheses, were it to end now, could beat the worst of its `beams` finished ones.
    But here prompts that are done leave the batch.

    Args:
        steps: a model that has read the prompts.
        rules: what is forbidden.
        ends: [E] end tokens.
        decoding: beams, length, length penalty.
    """
    beams, most = decoding.beams, decoding.max_new_tokens
    hypotheses = _Hypotheses(len(steps.logits), ends, decoding)
    steps.widen(beams)
    while True:
        prompt = hypotheses.prompt.repeat_interleave(beams)
        gain = rules(steps.logits.log_softmax(dim=-1), hypotheses.written.flatten(0, 1), prompt)
        rows = hypotheses.extend(gain)
        done = hypotheses.done
        count = int(done.sum())
        if count == len(done) or hypotheses.written.shape[2] == most:
            return hypotheses.answers
        if count * LEAVE >= len(done):
            left = (~done).nonzero()[:, 0]
            hypotheses.keep(left)
            steps.keep(rows[left].flatten())
        else:
            steps.branch(rows.flatten())
        steps.go_on(hypotheses.written[:, :, -1].flatten())


class _Hypotheses:
    """What is written so far, for Q prompts of a batch.

    Attributes:
        prompt: [Q] which prompts these are.
        written: [Q, beams, T] tokens of the open hypotheses, best first.
        score: [Q, beams] their log-likelihoods.
        finished: [Q, beams] the best values of finished ones, best first.
        done: [Q] whether no open one can be better.
        answers: the best finished one's tokens, of all prompts of the batch.
    """

    def __init__(self, count: int, ends: Tensor, decoding: Decoding) -> None:
        self.ends, self.decoding = ends, decoding
        self.answers: list[list[int]] = [[] for _ in range(count)]
        self.prompt = torch.arange(count, device=ends.device)
        self.written = self.prompt.new_empty(count, decoding.beams, 0)
        # All begin alike: only the first is open, or they would stay alike.
        self.score = torch.full((count, decoding.beams), _NEVER, device=ends.device)
        self.score[:, 0] = 0.0
        self.finished = torch.full_like(self.score, _NEVER)
        self.done = torch.zeros_like(self.prompt, dtype=torch.bool)

    def extend(self, gain: Tensor) -> Tensor:
        """Takes the likeliest next tokens by log-probabilities [Q · beams, V].

        Gives the row of the batch [Q, beams] that each open hypothesis goes on from.
        """
        beams, length = self.decoding.beams, self.written.shape[2] + 1
        total, parent, token = self._likeliest(gain)
        stop = torch.isin(token, self.ends) | (length == self.decoding.max_new_tokens)
        per_token = length**self.decoding.length_penalty
        # What stops further down than `beams` is no hypothesis that the search would have kept.
        self._finish((total / per_token).masked_fill(~stop, -torch.inf)[:, :beams], parent, token)
        self.score, order = (total + stop * _NEVER).topk(beams, dim=1)
        parent, token = parent.gather(1, order), token.gather(1, order)
        self.written = torch.cat([_rows(self.written, parent), token[..., None]], dim=2)
        self.done = self.done | (self.score[:, 0] / per_token <= self.finished[:, -1])
        return torch.arange(len(parent), device=parent.device)[:, None] * beams + parent

    def keep(self, left: Tensor) -> None:
        """Only these prompts stay."""
        for name in ("prompt", "written", "score", "finished", "done"):
            setattr(self, name, getattr(self, name)[left])

    def _likeliest(self, gain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-likelihood, parent and token [Q, K], best first.

        So many that, whichever of them end, one for each beam goes on.
        """
        count, beams = self.score.shape
        total = (gain.view(count, beams, -1) + self.score[..., None]).flatten(1)
        most = min(beams * max(2, 1 + len(self.ends)), total.shape[1])
        values, places = total.topk(most, dim=1)
        return values, places // gain.shape[1], places % gain.shape[1]

    def _finish(self, value: Tensor, parent: Tensor, token: Tensor) -> None:
        """Notes hypotheses that stop, with their values [Q, beams], −inf for those that do not."""
        better, place = value.max(dim=1)
        news = ~self.done & (better > self.finished[:, 0])
        stops = frozenset(self.ends.tolist()) if news.any() else frozenset()
        for row in news.nonzero()[:, 0].tolist():
            at = int(place[row])
            before = self.written[row, int(parent[row, at])].tolist()
            answer = until_end([*before, int(token[row, at])], stops)
            self.answers[int(self.prompt[row])] = answer
        self.finished = torch.cat([self.finished, value], dim=1).topk(value.shape[1], dim=1).values


def _rows(written: Tensor, parent: Tensor) -> Tensor:
    """[Q, beams, T] of each prompt's rows `parent` [Q, beams]."""
    return written.gather(1, parent[..., None].expand(-1, -1, written.shape[2]))
