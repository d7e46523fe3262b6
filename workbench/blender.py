"""Blender: rank, compare, fuse and route from Python, without a store.

The interface of llm-blender (Jiang, Ren, Lin; ACL 2023) for those who know it, over any ranker,
any scheme and any fuser of this workbench; and any router, which llm-blender has not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.aggregation import Scheme, ranks
from workbench.choosing import Choosing
from workbench.comparing import Comparing
from workbench.errors import BadValue
from workbench.fusing import Fusing, decoding_of
from workbench.fusion.able import check_able
from workbench.fusion.gen_fuser import GenFuser
from workbench.models.device import device_of
from workbench.models.inferring import check_inference
from workbench.ranking.ranker import Ranker
from workbench.ranking.text_lists import check_answered
from workbench.routing.router import Router


class Blender(Comparing, Fusing, Choosing):
    """Ranks, compares and fuses the answers of LLMs, and tells which LLMs to ask.

    Args:
        ranker: a ranker, or a directory or hub id of one, such as llm-blender/PairRM; it may be
            given later, by `load_ranker`.
        fuser: a fuser, or a directory or hub id of one, such as llm-blender/gen_fuser_3b; it may
            be given later, by `load_fuser`.
        router: a router, or a directory of one that `workbench save` wrote; it may be given
            later, by `load_router`.
        device: cpu, cuda, mps …; "auto" takes an accelerator where there is one.
        tokens_per_batch: budget of a batch in tokens, padding and beams counted; no result
            depends on it.
        precision: "float32" or "bfloat16".
        progress: shows a bar while pairs are compared, of a schedule one for each round, and
            while answers are fused or prompts routed.

    Raises:
        BadModel: ranker, fuser or router cannot be loaded, or have to be trained first.
        BadValue: an option that cannot be used.

    >>> blender = Blender("llm-blender/PairRM")  # doctest: +SKIP
    >>> blender.rank(["hello!"], [["hi!", "go away"]])  # doctest: +SKIP
    array([[1, 2]])
    >>> blender.load_fuser("llm-blender/gen_fuser_3b")  # doctest: +SKIP
    >>> blender.rank_and_fuse(["hello!"], [["hi!", "go away"]], top_k=2)  # doctest: +SKIP
    (['Hi there!'], array([[1, 2]]))
    """

    def __init__(
        self,
        ranker: Ranker | str | Path | None = None,
        *,
        fuser: GenFuser | str | Path | None = None,
        router: Router | str | Path | None = None,
        device: str = "auto",
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: bool = False,
    ) -> None:
        check_inference((0,), tokens_per_batch, precision)
        self.device = device_of(device)
        self.options = {"tokens_per_batch": tokens_per_batch, "precision": precision}
        self.progress = progress
        if ranker is not None:
            self.load_ranker(ranker)
        if fuser is not None:
            self.load_fuser(fuser)
        if router is not None:
            self.load_router(router)

    def rank_and_fuse(
        self,
        inputs: Sequence[str],
        candidates: Sequence[Sequence[str]],
        instructions: Sequence[str] | None = None,
        return_scores: bool = False,
        top_k: int = 3,
        scheme: str = "max_logits",
        **decoding: Any,
    ) -> tuple[list[str], np.ndarray]:
        """One answer for each of Q prompts, written from its best candidates, the best first.

        A prompt with fewer than `top_k` candidates is fused from all of them; of candidates with
        equal scores the one that stands first in the list comes first.

        Args:
            inputs, candidates, instructions: as of `rank`.
            return_scores: gives scores in place of ranks, as of `rank`.
            top_k: how many candidates are fused.
            scheme: as of `rank`.
            decoding: as of `fuse`.

        Returns:
            Q texts, and the ranks (or scores) [Q, N] of all candidates, as llm-blender has it.

        Raises:
            What `rank` and `fuse` raise, before any pair is compared.
            BadValue: `top_k` is no positive number.
        """
        if not isinstance(top_k, int | np.integer) or top_k < 1:
            raise BadValue("top_k", top_k, "a positive number of candidates")
        Scheme.parse(scheme)
        fuser, _ = self.fuser, self.ranker  # without them nothing else matters
        settings = decoding_of(fuser, decoding)
        check_answered(candidates)
        check_able(fuser, min(top_k, max(map(len, candidates), default=1)), settings)
        scores = self.rank(inputs, candidates, instructions, True, scheme)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        shown = [
            [answers[place] for place in places if place < len(answers)]
            for answers, places in zip(candidates, best.tolist(), strict=True)
        ]
        fused = self.fuse(inputs, shown, instructions, **decoding)
        return fused, scores if return_scores else ranks(scores, np.isfinite(scores))
