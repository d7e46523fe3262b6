"""Running a model: without gradients, in a precision."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from workbench.errors import BadValue
from workbench.models.batches import check_budget

PRECISIONS = ("float32", "bfloat16")


@contextmanager
def inferring(model: Any, precision: str) -> Iterator[None]:
    """A model in eval mode, without gradients, in a precision; then as it was."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode(), _autocast(model.device, precision):
            yield
    finally:
        model.train(training)


def _autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def check_inference(counts: tuple[int, ...], tokens_per_batch: int, precision: str) -> None:
    """Raises BadValue for lists of different lengths, or an option that cannot be used."""
    if len(set(counts)) > 1:
        raise BadValue("lengths of prompts and candidates", counts, "lists of one length")
    check_budget(tokens_per_batch)
    if precision not in PRECISIONS:
        raise BadValue("precision", precision, " or ".join(PRECISIONS))
