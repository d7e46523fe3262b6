"""A measure with a model of one's own, as a user writes it: a file holds all that it knows."""

import json
import time
from pathlib import Path

import numpy as np

from workbench.quality.model_measure import ModelMeasure


class WordShare(ModelMeasure):
    """Share of the reference's words that are in the answer, times the model's weight.

    Notes the prompts that it was called for. From its second call on it waits for as long as
    there is a file `wait` in the model's folder.
    """

    kind = "word_share"

    def __init__(self, model: str, label: str | None = None, extra: float = 0.0) -> None:
        super().__init__(model, label)
        self.extra = extra
        self.calls: list[list[str]] = []
        self.told: list[str] = []

    def settings(self) -> list[str]:
        return [f"extra={self.extra:g}"] if self.extra else []

    def load(self, folder: Path, device: str) -> None:
        self.weight = json.loads((folder / "config.json").read_text("utf-8"))["weight"]

    def prepare_references(self, references):
        self.told = list(references)
        return self

    def values(self, hypotheses, references, tokens_per_batch, precision, progress):
        while self.calls and (self.folder / "wait").exists():
            time.sleep(0.05)
        self.calls.append(list(references))
        shares = []
        for text, reference in zip(hypotheses, references, strict=True):
            words = set(reference.split())
            shares.append(len(words & set(text.split())) / max(1, len(words)))
            progress(1)
        return np.array(shares) * self.weight + self.extra


def weights(folder: Path, weight: float = 1.0) -> str:
    """Writes a model; its directory."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"weight": weight}), "utf-8")
    return str(folder)
