"""Reading many pairs: sorted by length, under a budget of tokens, answered in their order."""

from collections.abc import Callable, Sequence

import numpy as np
import pytorch_lightning as pl
import torch

from workbench.models.batches import device_batches
from workbench.models.inferring import check_inference, inferring
from workbench.ranking.distinct import distinct_sequences
from workbench.ranking.layout import Layout


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

    Pairs with equal sequences are scored once, so that they tie exactly.

    Raises:
        BadValue: lists of different lengths, or an option that cannot be used.
    """
    check_inference((len(prompts), len(left), len(right)), tokens_per_batch, precision)
    place: dict[str, int] = {}
    pairs = np.array(
        [[place.setdefault(text, len(place)) for text in side] for side in (prompts, left, right)],
        np.int64,
    ).T
    tokens = layout.tokenise(place)
    text_length = tokens.length
    shown = layout.lengths(*(text_length[pairs[:, k]] for k in range(3)))
    first, group = distinct_sequences(tokens, pairs, shown)
    size = np.bincount(group, minlength=len(first))
    logits = np.empty(len(first), np.float32)
    with inferring(model, precision):
        for batch in device_batches(shown[first].sum(axis=1), tokens_per_batch, model.device):
            sequences = layout.join(tokens, pairs[first[batch]])
            ids, mask, markers = (torch.from_numpy(a).to(model.device) for a in sequences)
            scores = model(ids, mask, markers)
            logits[batch] = (scores[:, 0] - scores[:, 1]).mean(dim=-1).cpu().numpy()
            if progress is not None:
                progress(int(size[batch].sum()))
    return logits[group]
