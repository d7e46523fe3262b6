"""SummaReranker's head: a mixture of experts with one gate and one tower a measure."""

import torch
from torch import Tensor, nn

from workbench.errors import BadValue


class MixtureOfExperts(nn.Module):
    """[R, width] -> [R, tasks], by multi-gate mixture of experts (arXiv 2203.06569, section 3.3).

    A bottom that all share, `experts` networks of which each task's gate takes the `active` with
    the highest weight, and a linear tower a task. Unlike the released code the experts' outputs
    are added as the paper writes it, not their exponentials, and gates have no noise.

    Args:
        width: of the encoder, the bottom and the experts.
        tasks: number of measures.
        experts: number of experts.
        active: experts that a gate takes.
        dropout: before the bottom.
    """

    def __init__(self, width: int, tasks: int, experts: int, active: int, dropout: float) -> None:
        super().__init__()
        self.shape = (tasks, experts)
        self.active = active
        self.bottom = nn.Sequential(nn.Dropout(dropout), _two_layers(width))
        self.experts = nn.ModuleList(_two_layers(width) for _ in range(experts))
        self.gates = nn.Linear(width, tasks * experts)
        self.towers = nn.Linear(width, tasks)

    def forward(self, states: Tensor) -> Tensor:
        """Scores [R, tasks] float32, also under autocast: a logit is a small difference."""
        with torch.autocast(states.device.type, enabled=False):
            states = self.bottom(states.float())
            found = torch.stack([expert(states) for expert in self.experts], dim=1)
            gates = self.gates(states).unflatten(1, self.shape)
            mixed = torch.einsum("rte,rew->rtw", top_softmax(gates, self.active), found)
            scores: Tensor = (mixed * self.towers.weight).sum(dim=2) + self.towers.bias
        return scores


def top_softmax(logits: Tensor, active: int) -> Tensor:
    """Softmax over the `active` highest of the last axis, 0 elsewhere.

    >>> top_softmax(torch.tensor([1.0, 3.0, 3.0, 2.0]), 2)
    tensor([0.0000, 0.5000, 0.5000, 0.0000])
    """
    value, place = logits.topk(active, dim=-1)
    return torch.zeros_like(logits).scatter(-1, place, value.softmax(dim=-1))


def usual_experts(tasks: int, experts: int | None, active: int | None) -> tuple[int, int]:
    """Number of experts and of active ones; by default the paper's 2 a task, half of them active.

    With one task both are active: a gate that takes a single expert could not learn which.

    Raises:
        BadValue: fewer experts than active ones, or none.
    """
    experts = 2 * tasks if experts is None else experts
    if experts < 1:
        raise BadValue("experts", experts, "at least one, or null for two a measure")
    active = min(experts, max(2, tasks)) if active is None else active
    if not 1 <= active <= experts:
        raise BadValue("active", active, f"1 to {experts}, the number of experts")
    return experts, active


def _two_layers(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
