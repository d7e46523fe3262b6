"""Fusion prompts written as token ids: the released GenFuser's, and a short one."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from workbench.errors import BadModel
from workbench.fusion.pieces import Asked, Limits, Piece, fitted, words
from workbench.fusion.tokenised import plain_texts, special_ids, token_ids, without_special

_END = "</s>"
_INSTRUCTION, _INPUT, _ANSWER = "Instruction: ", f"{_END}Input: ", f"{_END}:"
_CLOSING = f"{_END}Summarize candidates into a better one for the given instruction:"
_CUT = "..."


def gen_fuser(
    tokenizer: Any, asked: Sequence[Asked], limits: Limits, show_ranks: bool
) -> list[list[int]]:
    """The prompt that llm-blender/gen_fuser_3b was trained with (arXiv 2306.02561, section 4).

    `Instruction: {i}</s>Input: {x}</s>Candidate 0: <extra_id_0>:{c0}</s>…</s>Summarize …:`

    Its parts are tokenised one by one, each behind a special token as in the whole string, so
    that the ids are those of the whole. Without ranks all candidates are opened alike.

    Raises:
        BadModel: the tokenizer is none of T5's family, or has too few sentinels.
        BadValue: the template's words alone are longer than the whole may be.
    """
    heads = _heads(tokenizer, max((len(one.candidates) for one in asked), default=0), show_ranks)
    shown = cut_candidates(tokenizer, (c for one in asked for c in one.candidates), limits)
    plain = plain_texts(tokenizer, (text for one in asked for text in one[:2]))
    instruction = {one.instruction: _INSTRUCTION + plain[one.instruction] for one in asked}
    input_ = {one.input: _INPUT + plain[one.input] for one in asked}
    answer = {text: _ANSWER + own for text, own in shown.items()}
    openings = (_INSTRUCTION, _INPUT, _ANSWER)
    texts = (*instruction.values(), *input_.values(), *answer.values())
    ids = token_ids(tokenizer, (*openings, *heads, _CLOSING, *texts))
    fixed = [len(ids[opening]) for opening in openings]
    bare = partial(without_special, special=special_ids(tokenizer))
    prompts = []
    for one in asked:
        own = bare(ids[instruction[one.instruction]], fixed[0])
        given = bare(ids[input_[one.input]], fixed[1])
        pieces = [
            Piece(own, fixed[0], "instruction", limits.instruction),
            Piece(given, fixed[1], "input", limits.input),
        ]
        for head, text in zip(heads, one.candidates, strict=False):
            # The first id stands for the sentinel before the answer, which the head has.
            rest = bare(ids[answer[text]], fixed[2])[1:]
            pieces += [words(ids[head]), Piece(rest, fixed[2] - 1, "candidate")]
        prompts.append(fitted([*pieces, words(ids[_CLOSING])], limits.whole))
    return prompts


def plain(
    tokenizer: Any, asked: Sequence[Asked], limits: Limits, show_ranks: bool
) -> list[list[int]]:
    """A short prompt for small models: `i [SEP] x [SEP] 1 c1 [SEP] 2 c2 [SEP] …`.

    An empty instruction or input is left out with its separator; without ranks the numbers are.

    Raises:
        BadModel: the tokenizer has neither a separator nor an end token.
        BadValue: separators and numbers alone are longer than the whole may be.
    """
    end = words([_separator(tokenizer)])
    most = max((len(one.candidates) for one in asked), default=0)
    numbers = [str(rank + 1) if show_ranks else "" for rank in range(most)]
    own = plain_texts(tokenizer, (t for one in asked for t in (*one[:2], *one.candidates)))
    ids = token_ids(tokenizer, (*own.values(), *numbers))
    special = special_ids(tokenizer)
    prompts = []
    for one in asked:
        parts = [(one.instruction, "instruction", limits.instruction)]
        parts += [(one.input, "input", limits.input)]
        parts = [part for part in parts if part[0]]
        parts += [(text, "candidate", limits.candidate) for text in one.candidates]
        ranks = iter(numbers)
        pieces = []
        for text, part, limit in parts:
            bare = without_special(ids[own[text]], 0, special)
            opening = [words(ids[next(ranks)])] if part == "candidate" else []
            pieces += [*opening, Piece(bare, 0, part, limit), end]
        prompts.append(fitted(pieces, limits.whole))
    return prompts


def cut_candidates(tokenizer: Any, candidates: Any, limits: Limits) -> dict[str, str]:
    """What is shown of each distinct candidate: all, or its first tokens decoded and "..."."""
    plain = plain_texts(tokenizer, candidates)
    if limits.candidate is None:
        return plain
    ids = token_ids(tokenizer, plain.values())
    shown = {}
    for text, own in plain.items():
        if len(ids[own]) > limits.candidate:
            own = tokenizer.decode(ids[own][: limits.candidate]) + _CUT
        shown[text] = own
    return shown


def _heads(tokenizer: Any, most: int, show_ranks: bool) -> list[str]:
    """`Candidate k: <extra_id_k>` for each place, or the same without a number."""
    vocabulary = tokenizer.get_vocab()
    sentinels = [f"<extra_id_{rank if show_ranks else 0}>" for rank in range(most)]
    lacking = [token for token in (_END, *sentinels) if token not in vocabulary]
    if lacking:
        raise BadModel(
            f"template 'gen_fuser' needs a tokenizer of T5's family; this "
            f"{type(tokenizer).__name__} has no {lacking[0]}: use template = 'plain' or 'chat'"
        )
    numbers = [f" {rank}" if show_ranks else "" for rank in range(most)]
    return [
        f"{_END}Candidate{number}: {sentinel}"
        for number, sentinel in zip(numbers, sentinels, strict=True)
    ]


def _separator(tokenizer: Any) -> int:
    for token in (tokenizer.sep_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise BadModel(
        f"template 'plain' needs a separator or an end token, and this "
        f"{type(tokenizer).__name__} has neither"
    )


Template = Callable[[Any, Sequence[Asked], Limits, bool], list[list[int]]]
