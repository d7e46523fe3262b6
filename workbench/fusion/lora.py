"""Adapters of a low rank (Hu et al., arXiv 2106.09685): a large model trained in little memory."""

import copy
from dataclasses import dataclass
from typing import Any

from workbench.errors import BadValue

_ALL = "all-linear"


@dataclass(frozen=True)
class LoRA:
    """Low-rank adapters beside a frozen model's linear layers.

    Attributes:
        rank: of the two matrices that are trained beside a layer.
        alpha: their product counts alpha / rank times.
        dropout: on what they read.
        targets: last parts of the names of layers that get adapters ("q", "v"); None: all
            linear layers but the output's.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.05
    targets: list[str] | None = None

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise BadValue("lora.rank", self.rank, "a positive number")
        if not self.alpha > 0:
            raise BadValue("lora.alpha", self.alpha, "a positive number")
        if not 0 <= self.dropout < 1:
            raise BadValue("lora.dropout", self.dropout, "a share, 0 <= dropout < 1")
        if self.targets is not None and not self.targets:
            raise BadValue("lora.targets", self.targets, "names of layers, or null for all")


def with_lora(model: Any, lora: LoRA) -> Any:
    """The model with adapters that change nothing yet; they alone are to be trained.

    Raises:
        BadValue: targets that the model has none of.
    """
    from peft import LoraConfig, TaskType, get_peft_model

    seq2seq = model.config.is_encoder_decoder
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]  # any number does
        lora_dropout=lora.dropout,
        target_modules=lora.targets or _ALL,
        task_type=TaskType.SEQ_2_SEQ_LM if seq2seq else TaskType.CAUSAL_LM,
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise BadValue("lora.targets", lora.targets, f"layers of the model: {error}") from error


def merged(model: Any) -> Any:
    """A plain transformers model that computes what a model with adapters does."""
    return copy.deepcopy(model).merge_and_unload()
