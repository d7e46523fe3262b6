"""The head: from the segments' hidden states to one score a candidate and measure."""

import torch
from torch import Tensor, nn


def make_head(width: int, tasks: int, dropout: float) -> nn.Sequential:
    """[2 width] -> [tasks], its layers numbered as in the PairRM checkpoints (1 and 4)."""
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(2 * width, width),
        nn.Tanh(),
        nn.Dropout(dropout),
        nn.Linear(width, tasks),
    )


def score_sides(head: nn.Module, states: Tensor) -> Tensor:
    """Scores [B, 2, tasks] float32 of the left and the right candidate.

    Args:
        head: the same for both sides, applied to [h_source ; h_candidate].
        states: [B, 3, width] of source, left and right segment, see `segment_states`.
    """
    # In float32 also under autocast: a logit is a small difference of two scores.
    with torch.autocast(states.device.type, enabled=False):
        source, left, right = states.float().unbind(dim=1)
        sides = [torch.cat([source, side], dim=-1) for side in (left, right)]
        scores: Tensor = head(torch.stack(sides, dim=1))
    return scores
