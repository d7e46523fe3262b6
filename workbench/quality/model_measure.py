"""A measure of an answer against a reference that a pretrained model computes."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from inspect import signature
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from workbench.errors import BadModel, BadValue
from workbench.models.content import content
from workbench.models.device import device_of
from workbench.models.inferring import check_inference
from workbench.models.model_directory import MODEL_FILES, model_directory
from workbench.models.proportion import in_proportion
from workbench.quality.distinct import distinct
from workbench.quality.measure import check_pairs

TOKENS_PER_BATCH = 16384
_LABEL = re.compile(r"[^\s\[\],@=]+")

Progress = Callable[[int], None]


class ModelMeasure(ABC):
    """Base of the measures with a model. Made cheaply; `prepare` loads the model.

    In this order: `prepare(device)`, `prepare_references(references)`, then `name`, `content()`
    and calls.

    Args:
        model: directory or hub id.
        label: what the measure's name calls the model; null takes the last part of `model`.

    Raises:
        BadValue: a label that cannot stand in a name.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    def __init__(self, model: str, label: str | None = None) -> None:
        self.model = model
        self.label = Path(model).expanduser().resolve().name if label is None else label
        if not _LABEL.fullmatch(self.label):
            raise BadValue("label", self.label, "a word without blanks and the signs [ ] , @ =")
        self._folder: Path | None = None
        self._content: str | None = None

    @property
    def name(self) -> str:
        """Name of the values: `bertscore[LABEL,layer=5]@1`, settings at their defaults left out.

        Raises:
            BadModel: it depends on references, and `prepare_references` was not called.
        """
        return f"{self.kind}[{','.join((self.label, *self.settings()))}]@{self.version}"

    @property
    def folder(self) -> Path:
        """Directory of the model's files; raises BadModel before `prepare`."""
        if self._folder is None:
            raise BadModel(f"this {type(self).__name__} has no model yet: call prepare()")
        return self._folder

    def prepare(self, device: str = "auto") -> Self:
        """Finds the model's files, downloads them where they are missing, and loads them.

        Args:
            device: cpu, cuda, mps …; "auto" takes an accelerator where there is one.

        Raises:
            BadModel: it is not on this machine and cannot be had (the message tells how to get
                it), or it cannot be used.
            BadValue: there is no such device, or an option does not fit the model.
        """
        if self._folder is None:
            where = device_of(device)
            folder = model_directory(self.model)
            self.load(folder, str(where))
            self._folder = folder
        return self

    def prepare_references(self, references: Iterable[str]) -> Self:
        """Takes what the measure needs of *all* references, so that no value depends on a chunk.

        Give it every reference of the datasets that are measured, once, after `prepare`; order
        and repetitions do not matter. Most measures need nothing of them.
        """
        return self

    def content(self) -> str:
        """Hash over the files that the values depend on: one name must stand for one content."""
        if self._content is None:
            self._content = content(self.folder, *MODEL_FILES)
        return self._content

    def __call__(
        self,
        hypotheses: Sequence[str],
        references: Sequence[str],
        *,
        tokens_per_batch: int = TOKENS_PER_BATCH,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Values [n] float64 of n answers, higher is better; equal pairs get equal values.

        Args:
            hypotheses: n answers.
            references: the n references to hold them against.
            tokens_per_batch: budget of a batch, padding counted.
            precision: "float32" or "bfloat16", which moves values in their third digit.
            progress: told how many answers have just been done.

        Raises:
            BadModel: before `prepare`.
            BadValue: lists of different lengths, or an option that cannot be used.
        """
        check_pairs(list(hypotheses), list(references))
        check_inference((), tokens_per_batch, precision)
        _ = self.folder
        pairs, index = distinct(zip(hypotheses, references, strict=True))
        if not pairs:
            return np.zeros(0)
        told = in_proportion(progress, len(pairs), len(index))
        left, right = [left for left, _ in pairs], [right for _, right in pairs]
        values = self.values(left, right, tokens_per_batch, precision, told)
        return np.asarray(values, np.float64)[index]

    def changed(self, *options: str) -> list[str]:
        """`OPTION=VALUE` of those options that are not at the constructor's default."""
        usual = signature(type(self)).parameters
        values = {name: getattr(self, name) for name in options}
        return [f"{name}={v}" for name, v in values.items() if v != usual[name].default]

    @abstractmethod
    def settings(self) -> list[str]:
        """Settings that are not the default, as they stand in the name."""

    @abstractmethod
    def load(self, folder: Path, device: str) -> None:
        """Loads the model of a directory; raises BadModel or BadValue as `prepare`."""

    @abstractmethod
    def values(
        self,
        hypotheses: list[str],
        references: list[str],
        tokens_per_batch: int,
        precision: str,
        progress: Progress,
    ) -> np.ndarray:
        """Values [n] of n >= 1 different pairs; `progress` is told of pairs done."""
