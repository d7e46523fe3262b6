"""What all trained rankers share: an encoder, its training, its validation, its files."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from workbench.errors import BadModel, BadValue
from workbench.models.encoder import (
    EncoderOptions,
    TinyEncoder,
    check_positions,
    encoder_from_config,
)
from workbench.models.optimizer import check_optimizer, configured
from workbench.models.pretrained import make_encoder
from workbench.models.trainable import Trainable
from workbench.ranking import saved
from workbench.ranking.ranker import Ranker


class TrainedRanker(Trainable, Ranker):
    """A ranker that learns from qualities. The constructor only checks and keeps its options;
    `build` makes the weights, so that they come after seeding, and in training know the texts.

    A subclass gives `max_length`, `assemble`, `forward`, `training_step`, `validation_step`
    (which keeps what it finds in `self.collected`), `validation_logits` and `compare`.

    Args:
        encoder: a hub id, a directory, or a tiny encoder to be trained from scratch; also a saved
            ranker of the same class, to be trained on.
        measures: quality measures; the same as those of the data.
        attention: "eager" or "sdpa"; null takes the encoder's own.
        dropout: inside the encoder; null takes the encoder's own. On a CPU 0 is faster than
            the usual 0.1.
        gradient_checkpointing: less memory in training for about a third more time.
        lr: learning rate of AdamW.
        head_lr: learning rate of what starts from random numbers, such as the head; null takes
            `lr`.
        weight_decay: of all weights but biases and norms.
        warmup: share of the steps in which the rate rises.
        schedule: "linear", "cosine" or "constant" after it.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    head_names: tuple[str, ...] = ("head_layer.",)
    """Beginnings of the names of weights that start from random numbers."""
    kind = "ranker"
    monitors = ("validation/quality", "validation/pairwise_accuracy", "validation/loss")
    markers = False
    """Whether the tokenizer gets PairRM's markers."""

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        measures: Sequence[str],
        attention: str | None = None,
        dropout: float | None = None,
        gradient_checkpointing: bool = False,
        lr: float = 1e-5,
        head_lr: float | None = None,
        weight_decay: float = 0.1,
        warmup: float = 0.05,
        schedule: str = "linear",
    ) -> None:
        super().__init__()
        if isinstance(encoder, Mapping):  # as checkpoints hold it: plain values only
            encoder = TinyEncoder.from_dict(encoder)
        check_optimizer(lr, head_lr, weight_decay, warmup, schedule)
        measures = list(measures)
        if not measures or len(set(measures)) < len(measures):
            raise BadValue("measures", measures, "at least one measure, each named once")
        self.encoder = encoder
        self.measures = measures
        self.encoder_options = EncoderOptions(attention, dropout, gradient_checkpointing)
        # All options, those of the subclasses too, as plain values.
        self.save_hyperparameters()
        self.hparams["measures"] = measures
        if isinstance(encoder, TinyEncoder):
            self.hparams["encoder"] = dict(vars(encoder))
        self.pretrained_model: Any = None
        self.tokenizer: Any = None
        self.collected: Tensor | None = None

    @property
    @abstractmethod
    def max_length(self) -> int:
        """Most tokens of a sequence."""

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Takes an encoder and its tokenizer, and adds a fresh head; extended by subclasses."""
        self.pretrained_model = encoder
        self.tokenizer = tokenizer
        self.train()  # a loaded encoder comes in eval mode, and Lightning leaves modes alone

    @property
    def built(self) -> bool:
        """Whether the weights are there."""
        return self.tokenizer is not None

    def check_built(self) -> None:
        """Raises BadModel before `build`."""
        if not self.built:
            name = type(self).__name__
            raise BadModel(f"this {name} has no weights yet: call build() or load them")

    def build(self, texts: Iterable[str] | None = None) -> Self:
        """Makes encoder, tokenizer and head, once; a second call changes nothing.

        Where `encoder` names a ranker that was saved, its weights are gone on with, head and all.

        Args:
            texts: needed for a tiny encoder, whose vocabulary they make; else unused.

        Raises:
            BadModel: the encoder cannot be loaded.
            BadValue: the sequences do not fit its positions, or no texts for a tiny encoder.
        """
        if not self.built and not self.taken_over():
            self.assemble(*self.make_parts(texts))
        return self

    def taken_over(self) -> bool:
        """Takes the weights of the saved ranker that `encoder` names; False where it names none.

        Raises:
            BadModel: it is of another class, or its weights do not fit the options.
            BadValue: it was trained on other measures, or the sequences do not fit its positions.
        """
        if not isinstance(self.encoder, str) or not Path(self.encoder).is_dir():
            return False
        directory = Path(self.encoder)
        if not saved.is_saved(directory):
            return False
        saved.check_class(type(self), directory)
        measures = saved.read_config(directory)[1].get("measures")
        if measures != self.measures:
            raise BadValue("measures", self.measures, f"those of '{self.encoder}', {measures}")
        saved.load_into(self, directory)
        check_positions(self.pretrained_model.config, self.max_length)
        return True

    def make_parts(self, texts: Iterable[str] | None) -> tuple[Any, Any]:
        """Encoder and tokenizer before any training."""
        return make_encoder(
            self.encoder, self.encoder_options, self.max_length, texts, markers=self.markers
        )

    def parts_from_config(self, config: Any) -> Any:
        """An encoder with random weights, into which saved ones are loaded."""
        return encoder_from_config(config, self.encoder_options)

    def prepare(self) -> Self:
        """See `Ranker.prepare`; most rankers have to be trained first."""
        if not self.built:
            raise BadModel(
                f"{type(self).__name__} has to be trained: run `workbench train`, or load one "
                "with from_pretrained"
            )
        return self

    @abstractmethod
    def validation_logits(self, collected: np.ndarray) -> np.ndarray:
        """Logits [Q, N, N] from what the validation steps have collected."""

    def collected_shape(self) -> tuple[int, ...]:
        """Shape of what the validation steps collect: by default logits [Q, N, N]."""
        shape: tuple[int, ...] = self.validation.logits_shape
        return shape

    def on_validation_epoch_start(self) -> None:
        """Clears what the last validation has collected."""
        self.collected = torch.full(self.collected_shape(), torch.nan, device=self.device)

    def on_validation_epoch_end(self) -> None:
        """Logs `validation/quality`, `validation/pairwise_accuracy` and the lines beside them."""
        if self.trainer.sanity_checking or self.collected is None:
            return
        collected = self.collected
        if self.trainer.world_size > 1:
            every = torch.as_tensor(self.all_gather(collected))
            collected = torch.where(every.isnan().all(0), torch.nan, every.nanmean(0))
        logits = self.validation_logits(collected.float().cpu().numpy())
        metrics = self.validation.metrics(logits)
        self.log_dict({f"validation/{name}": value for name, value in metrics.items()})
        self.collected = None

    def configure_optimizers(self) -> Any:
        """AdamW, its rate set anew each step."""
        return configured(self, self.head_names)

    def setup(self, stage: str) -> None:
        """Raises BadModel before `build`, BadValue where the data has other measures."""
        self.check_built()
        data = getattr(self.trainer, "datamodule", None)
        if data is not None and list(data.measures) != self.measures:
            raise BadValue("measures", self.measures, f"those of the data, {list(data.measures)}")

    @property
    def validation(self) -> Any:
        """The held-out prompts, see `PickValidation`."""
        return self.trainer.datamodule.validation  # type: ignore[attr-defined]

    def save_pretrained(self, directory: str | Path) -> None:
        """Writes options, tokenizer and weights (safetensors); see `saved`."""
        self.check_built()
        saved.save_ranker(self, Path(directory))

    @classmethod
    def from_pretrained(cls, directory: str | Path, **options: Any) -> Self:
        """Reads what `save_pretrained` wrote, without any hub, in eval mode.

        Raises:
            BadModel: a file or weight is missing, unknown, of another shape or not finite, or
                it is a ranker of another class.
        """
        if options:
            raise BadValue("options", sorted(options), "none: a saved ranker has its own")
        ranker: Self = saved.load_ranker(cls, Path(directory))
        return ranker.eval()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Puts the encoder's configuration and the tokenizer beside the weights."""
        checkpoint["ranker_files"] = saved.files_of(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Builds from the checkpoint alone; raises BadModel where built with other tokens."""
        saved.build_from_files(self, checkpoint["ranker_files"])
