"""Does the reward model know what it prefers: reward entropy against the preferred LLM's quality.

ZOOTER (arXiv 2311.08692), Figure 3: where the rewards of the LLMs differ much (low entropy), the
LLM of the highest reward is more often really good.
"""

from dataclasses import dataclass

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio, estimate, replicates
from workbench.evaluation.picks import pick_quality, pick_weights
from workbench.evaluation.routing_figures import entropy_bits


@dataclass(frozen=True)
class EntropyBin:
    """Prompts of similar reward entropy.

    Attributes:
        low, high: their entropy in bits.
        entropy: its mean.
        quality: mean quality of the LLM of the highest reward.
    """

    low: float
    high: float
    entropy: float
    quality: Estimate


def reward_entropy(rewards: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """[Q] entropy in bits of softmax(rewards / temperature) over the LLMs that have a reward.

    NaN on prompts on which fewer than two have one: nothing is preferred to anything.

    Args:
        rewards: [Q, L], NaN where not measured.
        temperature: in the rewards' unit, above 0.
    """
    if not temperature > 0:
        raise BadValue("temperature", temperature, "a number above 0")
    known = np.isfinite(rewards)
    top = np.where(known, rewards, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    above = np.where(known, rewards, 0.0) - np.where(np.isfinite(top), top, 0.0)
    weights = np.where(known, np.exp(np.where(known, above, 0.0) / temperature), 0.0)
    shares = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
    return np.where(known.sum(axis=1) >= 2, entropy_bits(shares), np.nan)


def entropy_bins(
    rewards: np.ndarray,
    quality: np.ndarray,
    *,
    temperature: float = 1.0,
    bins: int = 5,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[EntropyBin]:
    """Bins of as many prompts each, by reward entropy, lowest first, ZOOTER's Figure 3.

    Prompts of equal entropy stay together, so there may be fewer bins. LLMs of the same highest
    reward share.

    Args:
        rewards: [Q, L] what is preferred by, NaN where not measured.
        quality: [Q, L] another measure of the same answers, NaN where not measured: such LLMs
            leave the prompt.
        temperature: of the rewards' softmax.
        bins: how many.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        BadValue: shapes that differ, fewer than one bin, a temperature that is not above 0.
    """
    if bins < 1:
        raise BadValue("bins", bins, "a positive number")
    if rewards.shape != quality.shape or rewards.ndim != 2:
        shapes = (rewards.shape, quality.shape)
        raise BadValue("shapes of rewards and quality", shapes, "two equal ones, [Q, L]")
    pool = np.isfinite(rewards) & np.isfinite(quality)
    entropy = reward_entropy(np.where(pool, rewards, np.nan), temperature)
    preferred = pick_quality(pick_weights(rewards, pool), quality)
    known = np.isfinite(entropy)
    if not known.any():
        return []
    edges = np.quantile(entropy[known], np.arange(1, bins) / bins)
    place = np.where(known, np.searchsorted(edges, entropy, side="left"), -1)
    inside = {b: place == b for b in range(bins) if (place == b).any()}
    ratios = {b: Ratio.mean(np.where(rows, preferred, np.nan)) for b, rows in inside.items()}
    drawn = replicates(ratios, resamples, seed)
    return [
        EntropyBin(
            float(entropy[rows].min()),
            float(entropy[rows].max()),
            # of equal entropies the mean may lie beside them by rounding
            float(np.clip(entropy[rows].mean(), entropy[rows].min(), entropy[rows].max())),
            estimate(ratios[b], drawn[b]),
        )
        for b, rows in inside.items()
    ]
