"""The chain on arrays: route to m LLMs, rank their answers alone, pick the best."""

from dataclasses import dataclass

import numpy as np

from workbench.aggregation import Scheme
from workbench.errors import BadValue
from workbench.evaluation import pick_weights
from workbench.routing.policies import top_m


@dataclass(frozen=True)
class ChainOutcome:
    """What a chain has done with Q prompts and L LLMs.

    Attributes:
        asked: [Q, L] bool, the LLMs that were asked.
        scores: [Q, L] float64 of their answers, −inf of those that were not asked.
        comparisons: [Q] int64 ordered presentations that the ranker has compared.
    """

    asked: np.ndarray
    scores: np.ndarray
    comparisons: np.ndarray

    def weights(self, k: int = 1) -> np.ndarray:
        """[Q, L] the chance of each answer to be among the best k, ties broken at random."""
        return pick_weights(self.scores, self.asked, k)


def chain_outcome(
    llm_scores: np.ndarray,
    mask: np.ndarray,
    m: int,
    logits: np.ndarray | None = None,
    scheme: Scheme | None = None,
    keys: np.ndarray | None = None,
) -> ChainOutcome:
    """Asks the m LLMs of the highest scores, and ranks their answers.

    The ranker meets nothing but what was asked: schedules and seeded choices are those of a pool
    of m answers. A prompt with fewer LLMs that can be asked has fewer; a single answer is compared
    with nothing.

    Args:
        llm_scores: [Q, L] of a routing policy, higher is better, of equal ones the first; −inf:
            not to be asked.
        mask: [Q, L] bool, LLMs that have an answer.
        m: how many are asked; at least L: all of them.
        logits: [Q, L, L] pair logits, row: shown left; not read where m is 1.
        scheme: ranks by them; not read where m is 1.
        keys: [Q] integers that stand for the prompts in random choices (`prompt_keys`).

    Raises:
        BadValue: m < 1; an m > 1 without logits or scheme; shapes that differ; or a pair that the
            scheme needs and that was not compared.
    """
    if llm_scores.shape != mask.shape:
        raise BadValue("shape of the LLMs' scores", llm_scores.shape, f"{mask.shape}, as the mask")
    asked = top_m(np.where(mask, llm_scores, -np.inf), m)
    if m == 1:
        none = np.zeros(len(mask), np.int64)
        return ChainOutcome(asked, np.where(asked, 0.0, -np.inf), none)
    if logits is None or scheme is None:
        raise BadValue("m", m, "1, as there is no ranking of several answers")
    rows, columns, own = _alone(asked, m)
    ranked = scheme.rank_stored(logits[rows[..., None], columns[..., None], columns[:, None]],
                                own, keys)  # fmt: skip
    if not ranked.complete.all():
        raise BadValue("prompts whose pairs are not compared", int((~ranked.complete).sum()), "0")
    scores = np.full(mask.shape, -np.inf)
    scores[np.broadcast_to(rows, columns.shape)[own], columns[own]] = ranked.scores[own]
    return ChainOutcome(asked, scores, ranked.comparisons)


def _alone(asked: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows [Q, 1] and columns [Q, m] of the LLMs asked, in their order, and which are real."""
    width = min(m, asked.shape[1])
    columns = np.argsort(~asked, axis=1, kind="stable")[:, :width]
    rows = np.arange(len(asked))[:, None]
    return rows, columns, asked[rows, columns]
