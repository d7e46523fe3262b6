"""RewardModel: any sequence classifier with one output, for ranking by reward.

A public reward model is used as it is; one may also be trained here, from an encoder or from a
reward model, on pairs of a prompt's candidates (Bradley–Terry; Ouyang et al., arXiv 2203.02155,
equation 1).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification as Classifier

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.encoder import (
    TinyEncoder,
    check_positions,
    encoder_from_config,
    tiny_encoder,
)
from workbench.models.framing import Framing
from workbench.models.pretrained import exact_head, head_names, load_with_head, read_parts
from workbench.ranking.chat_framing import ChatFraming
from workbench.ranking.lists import ListBatch
from workbench.ranking.losses import check_loss, pair_loss
from workbench.ranking.padding import settle_padding, unused_id
from workbench.ranking.pointwise import PointwiseRanker

LOSSES = ("logistic", "soft", "mse")
TEMPLATES = ("pair", "chat")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_TOUCHING = 8  # tokens more that texts may have where they touch a chat template


class RewardModel(PointwiseRanker):
    """Scores a candidate by the one output of a sequence classifier: its reward r.

    Args:
        encoder: a reward model, by hub id or directory; to be trained also an encoder, or a tiny
            one from scratch.
        measures: quality measures to be trained on, all by the one output.
        template: "pair", as the tokenizer frames two texts, which encoders expect; or "chat", a
            user's and an assistant's turn by the tokenizer's chat template, for LLMs.
        loss: of each pair of candidates: "logistic", −log σ(r_better − r_worse); "soft" or "mse".
        temperature: of the soft label, in units of quality (of its spread where standardised).
        gap_power: pairs weigh |difference of quality| to this power; 0 weighs all alike.
        dtype: "float32", or "bfloat16" for a large model that is not trained here.
        **options: see `PointwiseRanker`; `head_lr` holds for all weights outside the encoder,
            and for its pooler.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        measures: Sequence[str] = ("reward",),
        template: str = "pair",
        loss: str = "logistic",
        temperature: float = 1.0,
        gap_power: float = 0.0,
        dtype: str = "float32",
        **options: Any,
    ) -> None:
        super().__init__(encoder, measures=measures, **options)
        for name, value, valid in (
            ("template", template, TEMPLATES),
            ("loss", loss, LOSSES),
            ("dtype", dtype, DTYPES),
        ):
            if value not in valid:
                raise UnknownName(name, value, valid)
        check_loss(loss, temperature, gap_power)
        if template == "chat" and isinstance(self.encoder, TinyEncoder):
            raise BadValue("template", template, "'pair': a tiny encoder has no chat template")

    def build(self, texts: Iterable[str] | None = None) -> Self:
        """See `TrainedRanker.build`; a head that is not there starts from random numbers.

        Raises:
            BadModel: the encoder cannot be loaded, or lacks weights other than the head's.
            BadValue: `dtype` is not float32, in which small steps would be lost.
        """
        if self.hparams["dtype"] != "float32":
            raise BadValue("dtype", self.hparams["dtype"], "float32, to be trained")
        super().build(texts)
        return self

    def prepare(self) -> Self:
        """Loads a reward model to be used as it is.

        Raises:
            BadModel: there is none, it has more than one output, no trained head, no padding or,
                for "chat", no chat template; weights are missing, unknown or not finite.
        """
        if not self.built and isinstance(self.encoder, str):
            self.assemble(*self._load(self.encoder, trained=True))
            self.eval()
        super().prepare()
        return self

    def make_parts(self, texts: Iterable[str] | None) -> tuple[Any, Any]:
        """Model and tokenizer before any training."""
        if isinstance(self.encoder, str):
            return self._load(self.encoder, trained=False)
        return tiny_encoder(
            self.encoder,
            self.encoder_options,
            self.max_length,
            texts,
            markers=False,
            kind=Classifier,
            num_labels=1,
        )

    def parts_from_config(self, config: Any) -> Any:
        """A model with random weights, into which saved ones are loaded."""
        dtype = DTYPES[self.hparams["dtype"]]
        return encoder_from_config(config, self.encoder_options, Classifier, dtype)

    def make_framing(self, tokenizer: Any) -> Framing:
        """By the template."""
        h = self.hparams
        if h["template"] == "pair":
            return super().make_framing(tokenizer)
        lengths = (h["source_maxlength"], h["candidate_maxlength"])
        framing = ChatFraming(tokenizer, *lengths, elide=h["elide"])
        self.frame_room = framing.frame_length(2) + _TOUCHING
        return framing

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Takes a classifier, head included, and its tokenizer."""
        super().assemble(encoder, tokenizer)
        exact_head(encoder)
        self.head_names = tuple(f"pretrained_model.{name}" for name in head_names(encoder))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Rewards [R, 1] float32 of R sequences."""
        tokens = {"attention_mask": attention_mask}
        if getattr(self.pretrained_model.config, "type_vocab_size", 0) > 1:
            tokens["token_type_ids"] = token_type_ids
        with _padding_told(self.pretrained_model, input_ids, attention_mask) as ids:
            rewards: Tensor = self.pretrained_model(input_ids=ids, **tokens).logits
        return rewards

    def task_scores(self, outputs: Tensor) -> Tensor:
        """The rewards [R, 1]: one score for all measures."""
        return outputs

    def loss(self, outputs: Tensor, batch: ListBatch) -> Tensor:
        """Mean over all pairs of a prompt's measured candidates, and over the measures."""
        h = self.hparams
        rewards = batch.by_candidate(outputs)
        width, tasks = batch.quality.shape[1:]
        pairs = torch.triu_indices(width, width, 1, device=rewards.device)
        left, right = (rewards[:, side].expand(-1, -1, tasks).flatten(0, 1) for side in pairs)
        quality = (batch.quality[:, side].flatten(0, 1) for side in pairs)
        options = {"temperature": h["temperature"], "gap_power": h["gap_power"]}
        return pair_loss(h["loss"], left, right, *quality, **options)

    def _load(self, name: str, *, trained: bool) -> tuple[Any, Any]:
        config, tokenizer = read_parts(name)
        classifies = any("Classification" in kind for kind in config.architectures or ())
        if trained and classifies and config.num_labels != 1:
            raise BadModel(f"'{name}' has {config.num_labels} outputs; a reward model has one")
        config.num_labels = 1
        settle_padding(name, config, tokenizer)
        self.make_framing(tokenizer)  # for the frame's length, and its faults before weights
        check_positions(config, self.max_length)
        model = load_with_head(
            Classifier,
            name,
            config,
            self.encoder_options,
            dtype=DTYPES[self.hparams["dtype"]],
            fresh_head=not trained,
            all_used=trained,
        )
        return model, tokenizer


@contextmanager
def _padding_told(model: Any, input_ids: Tensor, attention_mask: Tensor) -> Iterator[Tensor]:
    """Ids as a model takes them that was never told of padding (see `settle_padding`)."""
    config = model.config.get_text_config()
    if config.pad_token_id is not None:
        yield input_ids
        return
    config.pad_token_id = unused_id(input_ids, attention_mask, config.vocab_size)
    try:
        yield input_ids.masked_fill(attention_mask == 0, config.pad_token_id)
    finally:
        config.pad_token_id = None
