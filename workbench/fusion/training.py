"""How a fuser's training goes: its chances, and its answers in validation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from workbench.errors import BadValue
from workbench.fusion.examples import IGNORED, FusionBatch
from workbench.models.trainable import is_sharded


def seed_step(seed: int, trainer: Any) -> None:
    """Seeds torch by the place in a training, in which each process has its own.

    A checkpoint does not hold the state of torch's generator.
    """
    done = trainer.fit_loop.epoch_loop.batch_progress.current.ready
    place = (seed, trainer.current_epoch, done, trainer.global_rank)
    torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0]))


def log_validation(fuser: Any, batch: FusionBatch) -> None:
    """Logs the loss, and, where answers are written, what they are worth by the data's measure,
    beside the ranker's first and the best of the candidates that were shown."""
    kept = {"on_step": False, "on_epoch": True, "sync_dist": True}
    # Weighted by tokens, so that the mean does not depend on the batches.
    tokens = int((batch.labels != IGNORED).sum())
    fuser.log("validation/loss", fuser.loss(batch), batch_size=tokens, **kept)
    if fuser.hparams["predict_with_generate"]:
        worth = _written_worth(fuser, batch.rows.tolist())
        logged = {f"validation/{name}": value for name, value in worth.items()}
        fuser.log_dict(logged, batch_size=len(batch.rows), **kept)


def _written_worth(fuser: Any, rows: Sequence[int]) -> dict[str, float]:
    data = fuser.trainer.datamodule
    shown = data.validation
    asked = [[texts[row] for row in rows] for texts in (shown.instructions, shown.inputs)]
    texts = [""] * len(rows)
    answers = fuser.fuse(
        *asked,
        [shown.candidates[row] for row in rows],
        keys=[shown.prompt_ids[row] for row in rows],
        tokens_per_batch=data.hparams["tokens_per_batch"],
    )
    for done in answers:
        for place, text in zip(done.index.tolist(), done.texts, strict=True):
            texts[place] = text
    worth: dict[str, float] = shown.worth(rows, texts)
    return worth


def check_sharding(fuser: Any) -> None:
    """Raises BadValue where a model would write that no process holds whole.

    Processes exchange its weights at each token, and answers end at different ones.
    """
    if fuser.hparams["predict_with_generate"] and is_sharded(fuser.trainer):
        strategy = type(fuser.trainer.strategy).__name__
        told = f"false with {strategy}, and monitor = validation/loss"
        raise BadValue("predict_with_generate", True, told)
