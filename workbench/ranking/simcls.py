"""SimCLS: one encoder reads prompts and answers alone, and likeness is their cosine.

Liu and Liu, ACL 2021 (arXiv 2106.01890), as a baseline of LLM-Blender's paper.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn.functional import normalize

from workbench.errors import BadValue
from workbench.models.encoder import TinyEncoder
from workbench.models.framing import Framed
from workbench.models.inferring import check_inference
from workbench.models.pooling import check_sequence_pooling, pooled
from workbench.models.proportion import in_proportion
from workbench.models.rows import run_rows
from workbench.ranking.list_losses import margin_loss
from workbench.ranking.lists import REFERENCE, SOURCE, ListBatch, Rows
from workbench.ranking.pointwise import PointwiseRanker


class SimCLS(PointwiseRanker):
    """Scores a candidate by the cosine of its vector and the prompt's.

    Candidates are sorted by the mean of their standardised measures; training leaves out those
    that lack one. Reference answers, where prompts have any, should score highest.

    Args:
        encoder: a hub id, a directory, or a tiny encoder to be trained from scratch.
        measures: quality measures; the same as those of `ListData`.
        margin: between the scores of neighbours in a list of N it asks for margin / N. The whole
            range of a cosine is 2; 1 is LLM-Blender's, the paper's own is about 0.01 N.
        pooling: a text's vector: the "first" token's state, or the "mean" over all tokens, as
            sentence encoders are trained to be read.
        **options: lengths, see `PointwiseRanker`; encoder and optimizer, see `TrainedRanker`.
            There is no head, and so no `head_lr`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    head_names = ()
    reads_references = True

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        measures: Sequence[str],
        margin: float = 1.0,
        pooling: str = "first",
        **options: Any,
    ) -> None:
        super().__init__(encoder, measures=measures, **options)
        check_sequence_pooling(pooling)
        if not margin >= 0:
            raise BadValue("margin", margin, "0 or more")
        if self.hparams["head_lr"] is not None:
            raise BadValue("head_lr", self.hparams["head_lr"], "null, for SimCLS has no head")

    @property
    def max_length(self) -> int:
        """Most tokens of a sequence, which holds one text."""
        h = self.hparams
        return int(max(h["source_maxlength"], h["candidate_maxlength"]) + self.frame_room)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Vectors [R, width] float32 of length 1."""
        hidden = self.encoded(input_ids, attention_mask, token_type_ids)
        return normalize(pooled(hidden, attention_mask, self.hparams["pooling"]), dim=1)

    def frame_lists(
        self, prompts: Sequence[str], texts: np.ndarray, references: Sequence[str | None]
    ) -> Rows:
        """The prompts, their candidates and their references, each text a sequence."""
        prompt, candidate = np.nonzero(texts != None)  # noqa: E711  (elementwise)
        answers = texts[prompt, candidate].tolist()
        sources = np.unique(prompt)
        referenced = np.array([q for q in sources.tolist() if references[q]], np.int64)
        answers += [references[q] for q in referenced.tolist()]
        framed = Framed.joined(
            [self._sources([prompts[q] for q in sources.tolist()]), self._answers(answers)]
        )
        prompt = np.concatenate([sources, prompt, referenced])
        roles = [np.full(len(sources), SOURCE), candidate, np.full(len(referenced), REFERENCE)]
        order = np.argsort(prompt, kind="stable")
        return Rows(prompt[order], np.concatenate(roles)[order], framed.chosen(order))

    def list_scores(self, outputs: Tensor, batch: ListBatch) -> Tensor:
        """[B, N] cosine of each candidate with its prompt, 0 where there is none."""
        source, _ = batch.by_role(outputs, SOURCE)
        return (batch.by_candidate(outputs) * source[:, None]).sum(dim=2)

    def loss(self, outputs: Tensor, batch: ListBatch) -> Tensor:
        """See `margin_loss`."""
        source, _ = batch.by_role(outputs, SOURCE)
        answer, referenced = batch.by_role(outputs, REFERENCE)
        reference = (source * answer).sum(dim=1)
        # NaN where any measure is.
        quality = batch.quality.mean(dim=2)
        scores = self.list_scores(outputs, batch)
        return margin_loss(scores, reference, referenced, quality, self.hparams["margin"])

    def learns_from(self, quality: np.ndarray) -> np.ndarray:
        """[Q, N] bool: candidates with all measures."""
        measured: np.ndarray = ~np.isnan(quality).any(axis=2)
        return measured

    def score(
        self,
        prompts: Sequence[str],
        candidates: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Scores [P] float32, see `PointwiseRanker.score`; each distinct text is read once."""
        check_inference((len(prompts), len(candidates)), tokens_per_batch, precision)
        sources, answers = list(dict.fromkeys(prompts)), list(dict.fromkeys(candidates))
        framed, group = Framed.joined([self._sources(sources), self._answers(answers)]).distinct()
        told = in_proportion(progress, len(framed.second), len(prompts))
        rows = run_rows(self, self, framed, self.framing.pad, tokens_per_batch, precision, told)
        source = dict(zip(sources, group[: len(sources)].tolist(), strict=True))
        answer = dict(zip(answers, group[len(sources) :].tolist(), strict=True))
        left = np.array([source[text] for text in prompts], np.int64)
        right = np.array([answer[text] for text in candidates], np.int64)
        scores: np.ndarray = (rows[left] * rows[right]).sum(axis=1)
        return scores

    def _sources(self, texts: Sequence[str]) -> Framed:
        return self.framing.singles(texts, self.hparams["source_maxlength"])

    def _answers(self, texts: Sequence[str]) -> Framed:
        return self.framing.singles(texts, self.hparams["candidate_maxlength"])
