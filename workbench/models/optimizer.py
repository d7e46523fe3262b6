"""AdamW without decay on biases and norms, and the learning rate's warm-up and decay."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from workbench.errors import BadValue, UnknownName

SCHEDULES = ("linear", "cosine", "constant")


_WRAPPERS = ("_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_orig_mod.")


def configured(
    module: Any, heads: tuple[str, ...] = (), matrices: frozenset[str] | None = None
) -> Any:
    """What a LightningModule's `configure_optimizers` gives: AdamW, its rate set anew each step.

    Args:
        module: its hparams say `lr`, `weight_decay`, `warmup` and `schedule`, and `head_lr` where
            it has heads.
        heads, matrices: see `adamw`.

    Raises:
        BadValue: a Trainer that does not say how long it trains.
    """
    h = module.hparams
    steps = module.trainer.estimated_stepping_batches
    if steps == float("inf"):
        raise BadValue("max_epochs", -1, "max_epochs or max_steps, for the rate's decay")
    named = module.named_parameters()
    rates = h["lr"], h.get("head_lr"), h["weight_decay"]
    optimizer = adamw(named, heads, *rates, matrices)
    scheduler = rate_schedule(optimizer, h["schedule"], h["warmup"], int(steps))
    return [optimizer], [{"scheduler": scheduler, "interval": "step"}]


def adamw(
    parameters: Iterable[tuple[str, torch.nn.Parameter]],
    heads: tuple[str, ...],
    lr: float,
    head_lr: float | None,
    weight_decay: float,
    matrices: frozenset[str] | None = None,
) -> AdamW:
    """AdamW: weights whose names begin as one of `heads` at `head_lr` (None: at `lr`), the rest
    at `lr`.

    Only `matrices` decay; None: what has two dimensions, which cannot be seen of what FSDP has
    flattened.
    """
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in parameters:
        if parameter.requires_grad:
            name = plain_name(name)
            matrix = parameter.ndim > 1 if matrices is None else name in matrices
            key = name.startswith(heads), matrix
            groups.setdefault(key, []).append(parameter)
    return AdamW(
        [
            {
                "params": members,
                "lr": (head_lr or lr) if head else lr,
                "weight_decay": weight_decay if decays else 0.0,
            }
            for (head, decays), members in groups.items()
        ]
    )


def matrices_of(module: Any) -> frozenset[str]:
    """Names of the weights that are matrices."""
    return frozenset(name for name, weight in module.named_parameters() if weight.ndim > 1)


def plain_name(name: str) -> str:
    """A weight's name without what wrapping a module has put into it."""
    for wrapper in _WRAPPERS:
        name = name.replace(wrapper, "")
    return name


def rate_schedule(
    optimizer: torch.optim.Optimizer, schedule: str, warmup: float, steps: int
) -> LambdaLR:
    """Scales every group's rate, step by step: linear warm-up, then the decay to 0."""
    warm = int(warmup * steps)

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        done = min(1.0, (step - warm) / max(1, steps - warm))
        if schedule == "constant":
            return 1.0
        return 1.0 - done if schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))

    return LambdaLR(optimizer, factor)


@contextmanager
def faster_rows(weight: Tensor, rows: np.ndarray, factor: float) -> Iterator[None]:
    """Around an optimizer's step: makes some rows of a matrix go `factor` times as far.

    Under AdamW a row's step is proportional to its rate, so that this is the same as a rate of
    its own, which an optimizer can give to whole matrices only.
    """
    ids = torch.as_tensor(rows, device=weight.device)
    before = weight.detach()[ids].clone()
    yield
    with torch.no_grad():
        weight[ids] = before + (weight[ids] - before) * factor


def check_optimizer(
    lr: float, head_lr: float | None, weight_decay: float, warmup: float, schedule: str
) -> None:
    """Raises BadValue or UnknownName for options that cannot be used."""
    if schedule not in SCHEDULES:
        raise UnknownName("learning-rate schedule", schedule, SCHEDULES)
    if not lr > 0:
        raise BadValue("lr", lr, "a positive number")
    if head_lr is not None and not head_lr > 0:
        raise BadValue("head_lr", head_lr, "a positive number, or null for the same as lr")
    if not weight_decay >= 0:
        raise BadValue("weight_decay", weight_decay, "0 or more")
    if not 0 <= warmup < 1:
        raise BadValue("warmup", warmup, "a share of the steps, 0 <= warmup < 1")
