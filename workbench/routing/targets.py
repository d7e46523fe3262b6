"""What a router is taught of one prompt: from rewards to distributions and labels over LLMs."""

import torch
from torch import Tensor

from workbench.errors import BadValue


def reward_distribution(rewards: Tensor, temperature: float) -> Tensor:
    """Softmax over the LLMs [B, L] of rewards [B, L]; 0 where a reward is NaN.

    ZOOTER (arXiv 2311.08692), section 3.2. Equal rewards give equal shares; a low temperature
    comes close to the best LLM alone.

    Args:
        rewards: NaN where not known; every row knows at least one.
        temperature: in the rewards' unit.
    """
    check_temperature(temperature)
    known = rewards.isfinite()
    return torch.softmax((rewards / temperature).masked_fill(~known, -torch.inf), dim=-1)


def best_labels(rewards: Tensor) -> Tensor:
    """[B, L] shares of the best LLMs: 1 for the only one, 1/n for each of n that tie."""
    filled = rewards.nan_to_num(nan=-torch.inf)
    best = filled == filled.max(dim=-1, keepdim=True).values
    return best / best.sum(dim=-1, keepdim=True)


def good_enough(rewards: Tensor, tolerance: float) -> Tensor:
    """[B, L] 1 where a reward is no more than `tolerance` below the prompt's best, else 0."""
    filled = rewards.nan_to_num(nan=-torch.inf)
    return (filled >= filled.max(dim=-1, keepdim=True).values - tolerance).to(rewards.dtype)


def telling(rewards: Tensor) -> Tensor:
    """[B] bool: prompts on which known rewards differ; where all tie there is nobody to prefer."""
    low = rewards.nan_to_num(nan=torch.inf).min(dim=-1).values
    high = rewards.nan_to_num(nan=-torch.inf).max(dim=-1).values
    return high > low


def check_temperature(temperature: float) -> None:
    """Raises BadValue for a temperature that is not above 0."""
    if not temperature > 0:
        raise BadValue("temperature", temperature, "a number above 0")


def check_tolerance(tolerance: float) -> None:
    """Raises BadValue for a tolerance that is not 0 or more."""
    if not tolerance >= 0:
        raise BadValue("tolerance", tolerance, "0 or more")
