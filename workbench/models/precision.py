"""A model in another precision, for a search that runs it many times."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def in_precision(model: Any, precision: str) -> Iterator[Any]:
    """The model as it is ("float32"), or a copy of it in bfloat16.

    Autocast would convert all weights anew at each token.
    """
    if precision == "float32" or model.dtype == torch.bfloat16:
        yield model
        return
    # The copy takes these instead of copying the originals first.
    low = {
        id(weight): torch.nn.Parameter(weight.detach().to(torch.bfloat16), requires_grad=False)
        for weight in model.parameters()
        if weight.is_floating_point()
    }
    yield copy.deepcopy(model, low)
