"""What all trained rankers share: measures to learn from, and validation by what they pick."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from workbench.errors import BadModel, BadValue
from workbench.models.encoder import TinyEncoder
from workbench.models.encoder_model import EncoderModel
from workbench.ranking.ranker import Ranker


class TrainedRanker(EncoderModel, Ranker):
    """A ranker that learns from qualities, from an encoder.

    A subclass gives `max_length`, `assemble`, `forward`, `training_step`, `validation_step`
    (which keeps what it finds in `self.collected`), `validation_logits` and `compare`.

    Args:
        encoder: see `EncoderModel`.
        measures: quality measures; the same as those of the data.
        **options: of the encoder and the optimizer, see `EncoderModel`.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    kind = "ranker"
    monitors = ("validation/quality", "validation/pairwise_accuracy", "validation/loss")

    def __init__(
        self, encoder: str | TinyEncoder, *, measures: Sequence[str], **options: Any
    ) -> None:
        super().__init__(encoder, **options)
        measures = list(measures)
        if not measures or len(set(measures)) < len(measures):
            raise BadValue("measures", measures, "at least one measure, each named once")
        self.measures = measures
        self.hparams["measures"] = measures
        self.collected: Tensor | None = None

    def check_taken_over(self, options: Mapping[str, Any]) -> None:
        """Raises BadValue where the saved ranker was trained on other measures."""
        if (measures := options.get("measures")) != self.measures:
            raise BadValue("measures", self.measures, f"those of '{self.encoder}', {measures}")

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
