"""Two conversations with the same questions as one pair: a prompt and two candidates.

As in llm-blender, the prompt holds the user's turns with a numbered place for each response, and
a candidate all the responses of one assistant under their numbers.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from workbench.errors import BadValue

Conversation: TypeAlias = Sequence[Mapping[str, str]]
"""Turns `{"role": …, "content": …}`, of user and assistant by turns."""

_ROLES = ("user", "assistant")
_TASK = "Answer each turn of this conversation in place of its <Response>."


def conversation_pair(name: str, a: Conversation, b: Conversation) -> tuple[str, str, str]:
    """Prompt, left and right candidate of two conversations.

    Raises:
        BadValue: turns out of order, or other user turns in b than in a; `name` tells which.
    """
    for side, turns in (("a", a), ("b", b)):
        _check(f"{name} of {side}", turns)
    questions = _said(a, 0)
    if questions != _said(b, 0):
        raise BadValue(f"user turns of {name} of b", _said(b, 0), f"those of a, {questions}")
    asked = [f"USER: {text}\nASSISTANT: <Response {i}>" for i, text in enumerate(questions, 1)]
    return "\n".join([_TASK, *asked]), _responses(a), _responses(b)


def _check(name: str, turns: Conversation) -> None:
    for turn in turns:
        if not isinstance(turn, Mapping):
            raise BadValue(f"a turn of {name}", turn, '{"role": …, "content": …}')
    roles = [str(turn.get("role", "")).lower() for turn in turns]
    if not roles or roles != list(_ROLES) * (len(roles) // 2):
        raise BadValue(f"roles of {name}", roles, "user, assistant, user, assistant, …")
    for turn in turns:
        if not isinstance(turn.get("content"), str):
            raise BadValue(f"content of a turn of {name}", turn.get("content"), "a text")


def _said(turns: Conversation, who: int) -> list[str]:
    return [turn["content"] for turn in turns[who::2]]


def _responses(turns: Conversation) -> str:
    return "\n".join(f"<Response {i}>: {text}" for i, text in enumerate(_said(turns, 1), 1))
