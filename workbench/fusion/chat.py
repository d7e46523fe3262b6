"""Fusion prompts in a chat model's own template."""

from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import TemplateError

from workbench.errors import BadModel
from workbench.fusion.budget import shares
from workbench.fusion.pieces import Asked, Limits, check_room
from workbench.fusion.tokenised import plain_texts, token_ends, token_ids

_SYSTEM = (
    "You are given a task and answers to it by several assistants. Write one answer that is "
    "better than each of them: keep what is right and helpful, mend or leave out what is not. "
    "Give the answer alone, without a word about the assistants or their answers."
)
_CLOSING = "Write the better answer."
_CUT = "..."
_FAULTS = (TemplateError, TypeError, ValueError)


def chat(
    tokenizer: Any, asked: Sequence[Asked], limits: Limits, show_ranks: bool
) -> list[list[int]]:
    """A system and a user turn in the tokenizer's chat template, and the answer's opening.

    Texts are cut first and the whole is tokenised then; what a text's tokens become more where
    they touch the template is taken off the texts again.

    Raises:
        BadModel: a tokenizer without a chat template, with one that takes no such chat, or
            without the places of its tokens in a text.
        BadValue: the template and our words alone are longer than the whole may be.
    """
    turns = _turns(tokenizer)
    texts = plain_texts(tokenizer, (t for one in asked for t in (*one[:2], *one.candidates)))
    ends = token_ends(tokenizer, texts.values())
    own = [[texts[text] for text in (*one[:2], *one.candidates)] for one in asked]
    room = _rooms(tokenizer, turns, own, limits, show_ranks)
    prompts: list[list[int]] = [[] for _ in asked]
    waiting = list(range(len(asked)))
    while waiting:
        cut = {row: _cut(own[row], ends, limits, room[row]) for row in waiting}
        written = {
            row: turns(_said(shown, bool(own[row][1]), show_ranks))
            for row, (shown, _) in cut.items()
        }
        ids = token_ids(tokenizer, written.values())
        for row in waiting:
            prompts[row] = ids[written[row]]
            # Less room than the texts take now, so that another round makes them shorter.
            room[row] = max(0, cut[row][1] - (len(prompts[row]) - limits.whole))
        waiting = [row for row in waiting if len(prompts[row]) > limits.whole]
    return prompts


def _turns(tokenizer: Any) -> Callable[[str], str]:
    """Writes a user's text as a chat, with the system's turn where the template knows one."""
    name = type(tokenizer).__name__
    if not tokenizer.chat_template:
        raise BadModel(f"this {name} has no chat template: use template = 'plain'")
    if not tokenizer.is_fast:
        raise BadModel(f"{name} does not tell where in a text its tokens are")

    def with_system(user: str) -> str:
        turns = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": user}]
        return _opened(tokenizer, turns)

    def user_alone(user: str) -> str:
        return _opened(tokenizer, [{"role": "user", "content": f"{_SYSTEM}\n\n{user}"}])

    fault: Exception | str = "it leaves out what the user says"
    for turns in (with_system, user_alone):
        try:
            written = turns("one")
        except _FAULTS as error:
            fault = error
            continue
        if _SYSTEM in written:  # some templates leave out a system's turn in silence
            return turns
    raise BadModel(f"the tokenizer's chat template takes no user's turn: {fault}")


def _opened(tokenizer: Any, turns: list[dict[str, str]]) -> str:
    """A chat up to where the assistant begins."""
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _said(texts: Sequence[str], has_input: bool, show_ranks: bool) -> str:
    """The user's turn; texts are instruction, input and candidates."""
    instruction, input_, *candidates = texts
    parts = [f"Task:\n{instruction}"]
    if has_input:
        parts.append(f"Input:\n{input_}")
    for rank, text in enumerate(candidates, 1):
        parts.append(f"Answer{f' {rank}' if show_ranks else ''}:\n{text}")
    return "\n\n".join([*parts, _CLOSING])


def _rooms(
    tokenizer: Any,
    turns: Callable[[str], str],
    own: Sequence[Sequence[str]],
    limits: Limits,
    show_ranks: bool,
) -> list[int]:
    """Tokens that each prompt's frame leaves for its texts."""
    frames = [turns(_said([""] * len(texts), bool(texts[1]), show_ranks)) for texts in own]
    ids = token_ids(tokenizer, frames)
    room = [limits.whole - len(ids[frame]) for frame in frames]
    check_room(min(room, default=0), limits.whole)
    return room


def _cut(
    texts: Sequence[str], ends: dict[str, list[int]], limits: Limits, room: int
) -> tuple[list[str], int]:
    """What is shown of each text, and tokens of all."""
    most = [limits.instruction, limits.input, *[limits.candidate] * (len(texts) - 2)]
    lengths = [len(ends[text]) for text in texts]
    free = [
        length if limit is None else min(length, limit)
        for length, limit in zip(lengths, most, strict=True)
    ]
    kept = shares(free[0], free[1], free[2:], room)
    flat = [kept.instruction, kept.input, *kept.candidates]
    shown = []
    for text, length, keep in zip(texts, lengths, flat, strict=True):
        begin = text[: ends[text][keep - 1]] if keep else ""
        shown.append(text if keep == length else begin + _CUT if begin else "")
    return shown, sum(flat)
