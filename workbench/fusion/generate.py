"""Answers of a generating model to many prompts, batch after batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import GenerationConfig

from workbench.errors import BadModel, BadValue
from workbench.fusion.decoding import Decoding
from workbench.fusion.processors import processors
from workbench.fusion.seq2seq import check_positions
from workbench.models.batches import token_batches
from workbench.models.inferring import check_inference, inferring
from workbench.models.precision import in_precision


@dataclass(frozen=True)
class Generated:
    """Answers to B prompts of those given.

    Attributes:
        index: [B] int64, which prompts.
        texts: [B] answers, special tokens left out.
        tokens_out: [B] int64, tokens generated, the end token not counted.
        tokens_in: [B] int64, tokens of the prompts.
    """

    index: np.ndarray
    texts: list[str]
    tokens_out: np.ndarray
    tokens_in: np.ndarray


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    *,
    sources: Sequence[Sequence[Sequence[int]]] | None = None,
    keys: Sequence[str] | None = None,
    tokens_per_batch: int = 16384,
    precision: str = "float32",
) -> Iterator[Generated]:
    """Answers to P prompts, in batches of like length, longest first.

    No answer depends on which prompts share a batch with its own, but for rounding. Of the
    model's own generation settings only those count that say where answers begin and end.

    Args:
        model: an encoder–decoder or a causal model of transformers, also one of peft, on the
            device that is to be used.
        tokenizer: its tokenizer.
        prompts: [P] token ids.
        decoding: how answers are searched for.
        sources: of each prompt, token ids of the candidates to copy from (`copy_ngram`).
        keys: [P] what each prompt's stream of draws is named after, the prompt's id for one;
            None: its tokens.
        tokens_per_batch: prompts with the longest answers, times the number of beams.
        precision: "float32": the precision of the model; "bfloat16": a copy of it in that.

    Raises:
        BadValue: an option that cannot be used, lists of other lengths, an empty prompt, or one
            that with its answer is longer than the model's positions.
        BadModel: the model does not say where an answer begins or ends.
    """
    check_inference((len(prompts),), tokens_per_batch, precision)
    for name, given in (("sources", sources), ("keys", keys)):
        if given is not None and len(given) != len(prompts):
            raise BadValue(f"number of {name}", len(given), f"one a prompt, {len(prompts)}")
    if decoding.copy_ngram and sources is None:
        raise BadValue("sources", None, f"candidates to copy from, for {decoding}")
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    start, ends = answer_tokens(base, tokenizer)
    length = np.array([len(prompt) for prompt in prompts], np.int64)
    if len(length) and length.min() < 1:
        raise BadValue("tokens of a prompt", 0, "at least one")
    check_positions(base.config, int(length.max(initial=0)), decoding.max_new_tokens)
    batches = token_batches((length + decoding.max_new_tokens) * decoding.beams, tokens_per_batch)
    answer = partial(_answers, tokenizer=tokenizer, decoding=decoding, start=start, ends=ends)

    def stream() -> Iterator[Generated]:
        with in_precision(base, precision) as runs:
            for index in batches:
                # Not around the `yield`: whoever takes the batches would run in that mode too.
                with inferring(runs, "float32"):
                    answers = answer(
                        runs,
                        [prompts[row] for row in index],
                        None if sources is None else [sources[row] for row in index],
                        None if keys is None else [keys[row] for row in index],
                    )
                texts = tokenizer.batch_decode(answers, skip_special_tokens=True)
                written = np.array([len(answer) for answer in answers], np.int64)
                yield Generated(index, texts, written, length[index])

    return stream()


def _answers(
    model: Any,
    prompts: Sequence[Sequence[int]],
    sources: Sequence[Sequence[Sequence[int]]] | None,
    keys: Sequence[str] | None,
    *,
    tokenizer: Any,
    decoding: Decoding,
    start: int | None,
    ends: Sequence[int],
) -> list[list[int]]:
    """Tokens of one batch's answers, the end token left out."""
    config = GenerationConfig(
        num_beams=decoding.beams,
        length_penalty=decoding.length_penalty,
        early_stopping=False,
        do_sample=False,
        max_new_tokens=decoding.max_new_tokens,
        decoder_start_token_id=start,
        eos_token_id=list(ends),
        pad_token_id=tokenizer.pad_token_id or 0,
    )
    rows = [torch.tensor(prompt, device=model.device) for prompt in prompts]
    side = "left" if start is None else "right"
    ids = pad_sequence(rows, True, float(config.pad_token_id), side)
    mask = pad_sequence([torch.ones_like(row) for row in rows], True, 0.0, side)
    begin = ids.shape[1] if start is None else 1
    asked = processors(
        decoding,
        begin,
        keys or [" ".join(map(str, prompt)) for prompt in prompts],
        sources=sources,
        ends=ends,
        first=None if start is None else model.generation_config.forced_bos_token_id,
        device=model.device,
    )
    with _settings(model, config):
        written = model.generate(
            ids, attention_mask=mask, generation_config=config, logits_processor=asked
        )
    # What stands behind the first end token is padding.
    ended = torch.isin(written[:, begin:], torch.tensor(list(ends), device=ids.device))
    length = (ended.cumsum(dim=1) == 0).sum(dim=1).tolist()
    told = zip(written[:, begin:].tolist(), length, strict=True)
    return [tokens[:many] for tokens, many in told]


@contextmanager
def _settings(model: Any, config: GenerationConfig) -> Iterator[None]:
    """The model with these settings instead of its own, which would fill in what they leave."""
    own, model.generation_config = model.generation_config, config
    try:
        yield
    finally:
        model.generation_config = own


def answer_tokens(model: Any, tokenizer: Any) -> tuple[int | None, list[int]]:
    """The decoder's first token, None for a causal model, and the end tokens.

    Raises:
        BadModel: the model has none.
    """
    settings = model.generation_config
    ends = settings.eos_token_id
    ends = tokenizer.eos_token_id if ends is None else ends
    if ends is None:
        raise BadModel(f"this {type(model).__name__} and its tokenizer name no end token")
    ends = [ends] if isinstance(ends, int) else list(ends)
    if not model.config.is_encoder_decoder:
        return None, ends
    for start in (settings.decoder_start_token_id, settings.bos_token_id):
        if start is not None:
            return int(start), ends
    raise BadModel(f"this {type(model).__name__} does not name its decoder's first token")
