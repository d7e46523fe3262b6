"""Greedy matching of the tokens of two texts by cosine (Zhang et al. 2020, section 3)."""

import numpy as np
import torch

from workbench.models.batches import token_batches
from workbench.quality.contextual import Vectors


def greedy_f1(
    vectors: Vectors, pairs: np.ndarray, weight: torch.Tensor, tokens_per_batch: int
) -> np.ndarray:
    """BERTScore F1 [P] of pairs of texts.

    Recall is the mean over the reference's tokens of their best cosine with a token of the
    hypothesis, precision the other way round; both weighted by token. F1 is 0 where a text has
    no token of any weight. A token without any positive cosine counts 0: so it does in the
    bert-score package wherever a batch is padded (only for the longest text of a batch, or a
    text alone, a negative one counts there), and so no value depends on a batch.

    Args:
        vectors: of all texts.
        pairs: [P, 2] indices of hypothesis and reference.
        weight: [V] of each token of the vocabulary.
        tokens_per_batch: budget of a batch.
    """
    length = vectors.length.cpu().numpy()[pairs]
    f1 = np.zeros(len(pairs))
    for batch in token_batches(length.sum(1), tokens_per_batch):
        (left, left_real, left_weight), (right, right_real, right_weight) = (
            _gathered(vectors, side, weight) for side in pairs[batch].T
        )
        cosine = left @ right.transpose(1, 2)
        cosine.mul_(left_real[:, :, None]).mul_(right_real[:, None, :])
        best_left, best_right = cosine.amax(2).clamp_min_(0), cosine.amax(1).clamp_min_(0)
        precision = (best_left * left_weight).sum(1)
        recall = (best_right * right_weight).sum(1)
        value = 2 * precision * recall / (precision + recall)
        f1[batch] = value.nan_to_num(0.0).cpu().numpy()
    return f1


def _gathered(
    vectors: Vectors, side: np.ndarray, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    # Vectors [B, L, H] of texts, which of their tokens are real, and weights of sum 1, or NaN
    # where none has any.
    text = torch.from_numpy(side).to(vectors.start.device)
    length = vectors.length[text, None]
    place = torch.arange(int(length.max()), device=text.device)
    real = place < length
    where = vectors.start[text, None] + torch.where(real, place, 0)
    share = weight[vectors.ids[where]] * real
    return vectors.states[where], real, share / share.sum(1, keepdim=True)
