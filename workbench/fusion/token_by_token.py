"""Answers of one batch, token by token: greedy or drawn."""

from collections.abc import Callable

import torch
from torch import Tensor

from workbench.fusion.rules import Rules, until_end
from workbench.fusion.steps import Steps

LEAVE = 4  # rows leave the batch once one in so many has ended


def token_by_token(
    steps: Steps,
    rules: Rules,
    ends: Tensor,
    most: int,
    choose: Callable[[Tensor, Tensor], Tensor],
) -> list[list[int]]:
    """Tokens of each prompt's answer, the end token left out.

    Args:
        steps: a model that has read the prompts.
        rules: what is forbidden.
        ends: [E] end tokens.
        most: tokens of an answer.
        choose: gives a token [R] a row by scores [R, V] and prompts [R].
    """
    answers: list[list[int]] = [[] for _ in steps.logits]
    prompt = torch.arange(len(answers), device=ends.device)
    written = prompt.new_empty(len(answers), 0)
    ended = torch.zeros_like(prompt, dtype=torch.bool)
    stops = frozenset(ends.tolist())

    def leave(rows: Tensor) -> None:
        told = zip(prompt[rows].tolist(), written[rows].tolist(), strict=True)
        for place, tokens in told:
            answers[place] = until_end(tokens, stops)

    for done in range(1, most + 1):
        token = choose(rules(steps.logits, written, prompt), prompt)
        written = torch.cat([written, token[:, None]], dim=1)
        ended = ended | torch.isin(token, ends)
        count = int(ended.sum())
        if done == most or count == len(ended):
            break
        if count * LEAVE >= len(ended):
            leave(ended)
            left = (~ended).nonzero()[:, 0]
            steps.keep(left)
            prompt, written, ended, token = prompt[left], written[left], ended[left], token[left]
        steps.go_on(token)
    leave(torch.ones_like(ended))
    return answers
