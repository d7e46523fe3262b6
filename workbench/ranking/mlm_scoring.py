"""MLM-scoring: the pseudo-log-likelihood of a candidate under a masked language model, untrained.

Salazar et al., "Masked Language Model Scoring" (ACL 2020, arXiv 1910.14659), section 2, given the
prompt: PLL(y | x) = Σ_t log p(y_t | x, y without y_t), one token masked at a time.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import pytorch_lightning as pl
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForMaskedLM

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.batches import token_batches
from workbench.models.encoder import EncoderOptions, check_positions
from workbench.models.framing import Framed, Framing, check_text_lengths
from workbench.models.inferring import check_inference, inferring
from workbench.models.pretrained import load_with_head, read_parts, vocabulary_size
from workbench.models.proportion import in_proportion
from workbench.ranking.masking import Masks, all_masks, costs, predictions
from workbench.ranking.ranker import Ranker
from workbench.ranking.scoring import compare_scores

REDUCTIONS = ("sum", "mean")


class MLMScoring(pl.LightningModule, Ranker):
    """Scores a candidate by how likely its tokens are, each given the prompt and all the others.

    It reads `[CLS] x [SEP] y [SEP]`, as the tokenizer frames two texts. A candidate without a
    token scores as one of full length whose tokens are as likely as chance: −log V a token,
    where V is the size of the vocabulary; else it would win by `sum`.

    Args:
        encoder: a masked language model, by hub id or directory.
        source_maxlength: tokens of the prompt's text, the tokenizer's frame not counted.
        candidate_maxlength: the same of the candidate's text.
        elide: a long text loses its middle, and says how much, instead of its end.
        reduce: "sum" of the tokens' log-probabilities, the paper's, which favours short answers;
            or their "mean".
        passes: null masks each token in a sequence of its own: exact. k masks every k-th token
            at once, so that a candidate takes at most k sequences: an approximation, for masked
            tokens do not see each other.
        attention: "eager" or "sdpa"; null takes the model's own.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str,
        *,
        source_maxlength: int = 128,
        candidate_maxlength: int = 128,
        elide: bool = False,
        reduce: str = "sum",
        passes: int | None = None,
        attention: str | None = None,
    ) -> None:
        super().__init__()
        check_text_lengths(source_maxlength, candidate_maxlength)
        if reduce not in REDUCTIONS:
            raise UnknownName("reduce", reduce, REDUCTIONS)
        if passes is not None and passes < 1:
            raise BadValue("passes", passes, "a positive number, or null for one a token")
        self.encoder = encoder
        self.encoder_options = EncoderOptions(attention)
        self.save_hyperparameters()
        self.model: Any = None
        self._framing: Framing | None = None

    @property
    def framing(self) -> Framing:
        """How texts become sequences; raises BadModel before `prepare`."""
        if self._framing is None:
            raise BadModel("this MLMScoring has no weights yet: call prepare()")
        return self._framing

    def prepare(self) -> Self:
        """Loads the masked language model.

        Raises:
            BadModel: there is none, its head is not trained, it has no mask or padding token, or
                weights are missing or not finite.
            BadValue: the sequences do not fit its positions.
        """
        if self._framing is not None:
            return self
        h = self.hparams
        config, tokenizer = read_parts(self.encoder)
        if tokenizer.mask_token_id is None:
            raise BadModel(f"the tokenizer of '{self.encoder}' has no mask token")
        lengths = (h["source_maxlength"], h["candidate_maxlength"])
        framing = Framing(tokenizer, *lengths, elide=h["elide"])
        check_positions(config, sum(lengths) + framing.frame_length(2))
        self.model = load_with_head(
            AutoModelForMaskedLM, self.encoder, config, self.encoder_options
        )
        self._framing = framing
        return self.eval()

    def score(
        self,
        prompts: Sequence[str],
        candidates: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Scores [P] float32 of P candidates, each for its prompt; options as of `compare`.

        Raises:
            BadModel: before `prepare`.
            BadValue: lists of different lengths, or an option that cannot be used.
        """
        check_inference((len(prompts), len(candidates)), tokens_per_batch, precision)
        framing = self.framing
        framed, group = framing.pairs(prompts, candidates).distinct()
        _, first = np.unique(group, return_index=True)
        answers = framing.singles([candidates[i] for i in first], framing.candidate_maxlength)
        count = answers.tokens.length - framing.frame_length(1)
        masks = all_masks(framed, count, framing.closing, self.hparams["passes"])
        told = in_proportion(progress, max(1, len(masks.row)), len(prompts))
        total = np.zeros(len(framed.second))
        with inferring(self, precision):
            for batch in token_batches(costs(framed, masks, tokens_per_batch), tokens_per_batch):
                row, log_p = self._log_probabilities(framed, masks.some(batch))
                np.add.at(total, row, log_p)
                if told is not None:
                    told(len(batch))
        if told is not None and not len(masks.row):
            told(1)
        return self._reduced(total, count)[group]

    def compare(
        self,
        prompts: Sequence[str],
        left: Sequence[str],
        right: Sequence[str],
        *,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Logits [P] float32: differences of scores, see `Ranker.compare`.

        Raises:
            BadModel: before `prepare`.
            BadValue: lists of different lengths, or an option that cannot be used.
        """
        return compare_scores(
            self.score, prompts, left, right, tokens_per_batch, precision, progress
        )

    def _reduced(self, total: np.ndarray, count: np.ndarray) -> np.ndarray:
        chance = -np.log(vocabulary_size(self.model.config))
        if self.hparams["reduce"] == "mean":
            scores = np.where(count > 0, total / np.maximum(1, count), chance)
        else:
            scores = np.where(count > 0, total, chance * self.framing.candidate_maxlength)
        return scores.astype(np.float32)

    def _log_probabilities(self, framed: Framed, masks: Masks) -> tuple[np.ndarray, np.ndarray]:
        """Of all masked tokens of a batch: their sequence and log-probability [M]."""
        arrays = framed.padded(masks.row, self.framing.pad)
        masked = masks.places(arrays[0].shape[1])
        ids, attention, types = (torch.from_numpy(a).to(self.device) for a in arrays)
        chosen = torch.from_numpy(masked).to(self.device)
        wanted = ids[chosen]
        ids[chosen] = self.framing.tokenizer.mask_token_id
        tokens = {"input_ids": ids, "attention_mask": attention}
        if getattr(self.model.config, "type_vocab_size", 0) > 1:
            tokens["token_type_ids"] = types
        logits = predictions(self.model, tokens, chosen)
        log_p = -cross_entropy(logits.float(), wanted, reduction="none")
        return np.repeat(masks.row, masked.sum(axis=1)), log_p.double().cpu().numpy()
