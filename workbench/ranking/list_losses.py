"""Losses on whole lists of candidates: best or not (SummaReranker), and by margins (SimCLS).

Qualities are NaN where a candidate was not measured, or is none; such places cost nothing.
Everything is computed in float32, whatever the scores come in.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from workbench.errors import BadValue, UnknownName

NEGATIVES = ("worst", "all")
_TINY = torch.finfo(torch.float32).tiny


def best_and_weights(
    quality: Tensor, negatives: str, positive_weight: float | None
) -> tuple[Tensor, Tensor]:
    """Who is best of its list, bool, and what each candidate weighs there, both [B, N, tasks].

    All that tie for the best are best. The weights of a list sum to 1 by each measure, or to 0
    where it ranks nobody: fewer than two measured candidates, or all tied.

    Args:
        quality: [B, N, tasks].
        negatives: only the "worst" of the list, with all that tie for it, or "all" others.
        positive_weight: of one that is best against one that is not; None lets both kinds of a
            list weigh half.
    """
    quality = quality.float()
    known = ~quality.isnan()
    low = quality.masked_fill(~known, torch.inf).amin(dim=1, keepdim=True)
    high = quality.masked_fill(~known, -torch.inf).amax(dim=1, keepdim=True)
    ranks = high > low
    best = known & ranks & (quality == high)
    others = known & ranks & ((quality == low) if negatives == "worst" else ~best)
    positive, negative = (kind.sum(dim=1, keepdim=True) for kind in (best, others))
    share: Tensor | float = positive_weight or negative / positive.clamp_min(1)
    weight = best * share + others
    return best, weight / (positive * share + negative).clamp_min(_TINY)


def best_loss(
    scores: Tensor,
    quality: Tensor,
    negatives: str = "worst",
    positive_weight: float | None = None,
) -> Tensor:
    """BCE of scores [B, N, tasks] with "is best of its list by this measure" (SummaReranker,
    arXiv 2203.06569, section 3.2), a weighted mean over each list, then the mean over lists and
    measures; 0 where none ranks anybody. Options as of `best_and_weights`.
    """
    scores = scores.float()
    best, weight = best_and_weights(quality, negatives, positive_weight)
    loss = binary_cross_entropy_with_logits(scores, best.to(scores.dtype), reduction="none")
    lists = (weight.sum(dim=1) > 0).sum()
    return (loss * weight).sum() / lists.clamp_min(1)


def margin_loss(
    scores: Tensor, reference: Tensor, referenced: Tensor, quality: Tensor, margin: float = 1.0
) -> Tensor:
    """SimCLS's ranking loss (arXiv 2106.01890, section 2.2; the margins of LLM-Blender):

        Σ_i max(0, s_i − s_ref) + Σ_{i<j} max(0, s_j − s_i + margin · (j − i) / N)

    with the N measured candidates of a list sorted by quality, the best first; the mean over
    the lists that have a term. Candidates of equal quality have the mean of their places, and
    no order is asked between them.

    Args:
        scores: [B, N].
        reference: [B] scores of the reference answers.
        referenced: [B] bool, whether there is one; without, the first sum is left out.
        quality: [B, N], NaN for what is not measured, or is no candidate.
        margin: asked between the best and the worst of a long list, in units of score.
    """
    scores, reference, quality = scores.float(), reference.float(), quality.float()
    known = ~quality.isnan()
    better = quality[:, :, None] > quality[:, None, :]  # NaN is never better
    equal = quality[:, :, None] == quality[:, None, :]
    place = better.sum(dim=1) + 0.5 * equal.sum(dim=1)
    apart = (place[:, None, :] - place[:, :, None]) / known.sum(dim=1).clamp_min(1)[:, None, None]
    order = (scores[:, None, :] - scores[:, :, None] + margin * apart).clamp_min(0) * better
    above = (scores - reference[:, None]).clamp_min(0) * (known & referenced[:, None])
    terms = better.any(dim=2).any(dim=1) | (known.any(dim=1) & referenced)
    return (order.sum() + above.sum()) / terms.sum().clamp_min(1)


def check_best_loss(negatives: str, positive_weight: float | None) -> None:
    """Raises UnknownName or BadValue for options that `best_loss` cannot use."""
    if negatives not in NEGATIVES:
        raise UnknownName("negatives", negatives, NEGATIVES)
    if positive_weight is not None and not positive_weight > 0:
        raise BadValue("positive_weight", positive_weight, "a positive number, or null to balance")
