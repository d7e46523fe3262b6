"""Fusions that a store does not hold yet: made batch by batch, and written as they come."""

import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from workbench.fusion.decoding import Decoding
from workbench.interrupts import CtrlC
from workbench.stages.fused_rows import Fusion, Recipe, load_shown, write_fusions
from workbench.stages.pace import due
from workbench.store.store import Store

_PROMPTS = 2048  # read at a time; bounds the texts that are held

Shown = dict[str, list[str]]
"""Prompt -> ids of the candidates that the fuser is shown."""


def fuse_missing(
    store: Store,
    model: Any,
    recipe: Recipe,
    waiting: Shown,
    options: dict[str, Any],
    advance: Callable[[int], None],
    ctrl_c: CtrlC,
) -> None:
    """Makes the fusions of some prompts, and writes them every half minute or so.

    Args:
        store: what it reads and writes.
        model: the fuser, on its device.
        recipe: how the fusions are made.
        waiting: which prompts have none.
        options: `tokens_per_batch` and `precision`.
        advance: is told how many have just been made.
        ctrl_c: what is made is written before it interrupts.
    """
    pending: list[Fusion] = []
    time_to_write = due()
    for part in _parts(waiting):
        for fusions in _batches(store, model, part, Decoding.parse(recipe.decoding), options):
            pending += fusions
            advance(len(fusions))
            if time_to_write() or ctrl_c.asked:
                write_fusions(store, recipe, pending)
                pending = []
            ctrl_c.check()
    if pending:
        write_fusions(store, recipe, pending)


def _parts(waiting: Shown) -> Iterator[Shown]:
    prompts = iter(waiting.items())
    while part := dict(islice(prompts, _PROMPTS)):
        yield part


def _batches(
    store: Store, model: Any, shown: Shown, decoding: Decoding, options: dict[str, Any]
) -> Iterator[list[Fusion]]:
    """The fusions of some prompts, batch by batch."""
    texts = load_shown(store, shown)
    began = time.monotonic()
    for made in model.fuse(
        texts.instructions,
        texts.inputs,
        texts.candidates,
        decoding=decoding,
        keys=texts.prompt_ids,
        **options,
    ):
        ended = time.monotonic()
        seconds = (ended - began) / len(made.texts)
        prompts = [texts.prompt_ids[int(place)] for place in made.index]
        yield [
            Fusion(prompt, shown[prompt], text, int(tokens_in), int(tokens_out), seconds)
            for prompt, text, tokens_in, tokens_out in zip(
                prompts, made.texts, made.tokens_in, made.tokens_out, strict=True
            )
        ]
        began = time.monotonic()  # what the caller has done in between costs no answer
