"""Reading many sequences: sorted by length, under a budget of tokens, answered in their order."""

from collections.abc import Callable

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from workbench.models.batches import device_batches
from workbench.models.framing import Framed
from workbench.models.inferring import inferring


def run_rows(
    model: pl.LightningModule,
    outputs: Callable[..., Tensor],
    framed: Framed,
    pad: int,
    tokens_per_batch: int,
    precision: str,
    progress: Callable[[int], None] | None,
) -> np.ndarray:
    """[R, D] float32: what `outputs(ids, mask, types)` [B, D] gives for R sequences."""
    found: np.ndarray | None = None
    with inferring(model, precision):
        for batch in device_batches(framed.tokens.length, tokens_per_batch, model.device):
            arrays = (torch.from_numpy(a).to(model.device) for a in framed.padded(batch, pad))
            rows = outputs(*arrays).float().cpu().numpy()
            if found is None:
                found = np.empty((len(framed.second), rows.shape[1]), np.float32)
            found[batch] = rows
            if progress is not None:
                progress(len(batch))
    return np.zeros((0, 1), np.float32) if found is None else found
