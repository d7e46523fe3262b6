"""Comparing many pairs: sorted by length, under a budget of tokens, answered in their order."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytorch_lightning as pl
import torch

from workbench.errors import BadValue
from workbench.ranking.batches import check_budget, token_batches
from workbench.ranking.layout import Layout

PRECISIONS = ("float32", "bfloat16")


def compare_pairs(
    model: pl.LightningModule,
    layout: Layout,
    prompts: Sequence[str],
    left: Sequence[str],
    right: Sequence[str],
    tokens_per_batch: int,
    precision: str,
    progress: Callable[[int], None] | None,
) -> np.ndarray:
    """Logits [P] float32 of P ordered pairs by a model that scores `layout`'s sequences.

    Raises:
        BadValue: lists of different lengths, or an option that cannot be used.
    """
    _check(prompts, left, right, tokens_per_batch, precision)
    place: dict[str, int] = {}
    pairs = np.array(
        [[place.setdefault(text, len(place)) for text in side] for side in (prompts, left, right)],
        np.int64,
    ).T
    tokens = layout.tokenise(place)
    text_length = tokens.length
    length = layout.lengths(*(text_length[pairs[:, k]] for k in range(3))).sum(axis=1)
    logits = np.empty(len(pairs), np.float32)
    training = model.training
    model.eval()
    try:
        with torch.inference_mode(), _autocast(model.device, precision):
            for batch in token_batches(length, tokens_per_batch):
                ids, mask, markers = (
                    torch.from_numpy(a).to(model.device) for a in layout.join(tokens, pairs[batch])
                )
                scores = model(ids, mask, markers)
                logits[batch] = (scores[:, 0] - scores[:, 1]).mean(dim=-1).cpu().numpy()
                if progress is not None:
                    progress(len(batch))
    finally:
        model.train(training)
    return logits


def _autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def _check(
    prompts: Sequence[str],
    left: Sequence[str],
    right: Sequence[str],
    tokens_per_batch: int,
    precision: str,
) -> None:
    counts = (len(prompts), len(left), len(right))
    if len(set(counts)) > 1:
        raise BadValue("prompts, left, right", counts, "lists of one length")
    check_budget(tokens_per_batch)
    if precision not in PRECISIONS:
        raise BadValue("precision", precision, " or ".join(PRECISIONS))
