"""The two contrastive losses of RouterDC.

Chen et al., NeurIPS 2024 (arXiv 2409.19886), section 3.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize


def sample_llm_loss(logits: Tensor, rewards: Tensor, positives: int, negatives: int) -> Tensor:
    """Pulls a prompt to its best LLMs and away from its worst: [B].

    Of each positive LLM, −log of its softmax share against the negative ones; the sum over the
    positives. The paper's negatives have a score below 0.5; rewards here have any unit, so a
    negative counts against a positive where its reward is lower. Of right and wrong answers that
    is the same: the right ones are pulled, the wrong ones pushed, and where all tie the loss is 0.

    Args:
        logits: [B, L] similarities / temperature.
        rewards: [B, L], NaN where not known.
        positives, negatives: how many of the best and of the worst; LLMs that tie for the last
            places share them.
    """
    best, worst = top_places(rewards, positives), top_places(-rewards, negatives)
    lower = rewards[:, None, :] < rewards[:, :, None]  # [B, positive, negative]; no NaN is lower
    against = (logits + worst.log())[:, None, :].masked_fill(~lower, -torch.inf)
    every = torch.cat([logits[:, :, None], against], dim=2).logsumexp(dim=2)
    return (best * (every - logits)).sum(dim=1)


def top_places(rewards: Tensor, places: int) -> Tensor:
    """[B, L] share that each LLM has in the `places` highest rewards; 0 where it is not known.

    1 within, 0 without, and the LLMs that tie for the last places share these evenly.
    """
    filled = rewards.nan_to_num(nan=-torch.inf)
    better = (filled[:, None, :] > filled[:, :, None]).sum(dim=2)
    tied = (filled[:, None, :] == filled[:, :, None]).sum(dim=2)
    return ((places - better) / tied).clamp(0.0, 1.0).masked_fill(rewards.isnan(), 0.0)


def sample_sample_loss(
    states: Tensor, group: Tensor, negatives: int, temperature: float, seed: int
) -> Tensor:
    """Pulls a prompt to one of its group and away from some of others: [B].

    Which ones is drawn from the batch. 0 for a prompt without a group, or where the batch has no
    other of its group or none of another.

    Args:
        states: [B, width], compared by their cosines.
        group: [B] int, -1 for none.
        negatives: how many of other groups; all where the batch has fewer.
        temperature: of the cosines.
        seed: of the draw.
    """
    unit = normalize(states, dim=1)
    similar = unit @ unit.T / temperature
    grouped = (group >= 0)[:, None] & (group >= 0)
    same = group[:, None] == group
    alone = torch.eye(len(group), dtype=torch.bool, device=group.device)
    drawn = torch.rand(similar.shape, generator=torch.Generator().manual_seed(seed))
    drawn = drawn.to(group.device)
    near, place = drawn.masked_fill(~(grouped & same & ~alone), -1.0).max(dim=1)
    away, places = drawn.masked_fill(~(grouped & ~same), -1.0).topk(min(negatives, len(group)))
    pulled = similar.gather(1, place[:, None])
    pushed = similar.gather(1, places).masked_fill(away < 0, -torch.inf)
    found = torch.cat([pulled, pushed], dim=1).logsumexp(dim=1) - pulled[:, 0]
    return found.masked_fill(near < 0, 0.0)
