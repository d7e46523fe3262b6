"""BERTScore (Zhang et al., ICLR 2020, arXiv 1904.09675) with any encoder."""

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
import torch

from workbench.errors import BadModel, BadValue
from workbench.models.proportion import in_proportion
from workbench.quality.batched import lengths
from workbench.quality.best_layers import BEST_LAYERS
from workbench.quality.contextual import ContextualEncoder
from workbench.quality.distinct import distinct
from workbench.quality.matching import greedy_f1
from workbench.quality.model_measure import ModelMeasure, Progress

_HELD = 1 << 27  # numbers of vectors kept at once: 512 MB


class BERTScore(ModelMeasure):
    """F1 of greedily matched token vectors; equal to the `bert-score` package's.

    An empty text scores 0 (before rescaling; the package prints a warning or crashes). Long texts
    lose their end.

    Args:
        encoder: directory or hub id of an encoder, an encoder-decoder (its encoder) or a decoder.
        layer: whose output is compared; 0 is the embeddings. null takes the package's layer for
            models that it knows, by the last part of their names (`BEST_LAYERS`); for others the
            last.
        idf: weigh tokens by inverse document frequency among the references, all that are
            measured; their hash then stands in the name.
        baseline: file of baselines as the package has them under `rescale_baseline/`
            (LAYER,P,R,F); values become (F − b) / (1 − b). null does not rescale.
        max_length: tokens of a text, frame counted; null: what tokenizer and positions allow.
        prefix_space: put a space before each text, as the package did with the tokenizers of
            transformers 4 for RoBERTa, BART and GPT-2, for which published baselines are made.
            With transformers 5 the package itself no longer does.
        label: what the measure's name calls the encoder; null takes the last part of `encoder`.

    Raises:
        BadValue: an option that cannot be used.
    """

    kind = "bertscore"

    def __init__(
        self,
        encoder: str,
        *,
        layer: int | None = None,
        idf: bool = False,
        baseline: str | None = None,
        max_length: int | None = None,
        prefix_space: bool = False,
        label: str | None = None,
    ) -> None:
        super().__init__(encoder, label)
        if layer is not None and layer < 0:
            raise BadValue("layer", layer, "the number of a layer, 0 for the embeddings, or null")
        if max_length is not None and max_length < 3:
            raise BadValue("max_length", max_length, "at least 3 tokens, or null")
        self.layer = BEST_LAYERS.get(Path(encoder).name) if layer is None else layer
        self.idf = idf
        self.baseline = None if baseline is None else Path(baseline).expanduser()
        if self.baseline is not None and not self.baseline.is_file():
            raise BadValue("baseline", baseline, "a file of baselines (LAYER,P,R,F), or null")
        self.max_length = max_length
        self.prefix_space = prefix_space
        self._encoder: ContextualEncoder | None = None
        self._weight: np.ndarray | None = None
        self._seen: str | None = None
        self._floor = 0.0

    @property
    def encoder(self) -> ContextualEncoder:
        """The encoder; raises BadModel before `prepare`."""
        if self._encoder is None:
            raise BadModel("this BERTScore has no encoder yet: call prepare()")
        return self._encoder

    def load(self, folder: Path, device: str) -> None:
        """Loads the layers that are read, and the baseline of the last of them."""
        encoder = ContextualEncoder(folder, self.layer, self.max_length, device)
        if self.baseline is not None:
            self._floor = _baseline(self.baseline, encoder.layer)
        self._encoder = encoder

    def settings(self) -> list[str]:
        """layer, unless it is the last; idf and the hash of its references; what else differs."""
        encoder = self.encoder
        told = [f"layer={encoder.layer}"] if encoder.layer < encoder.layers else []
        if self.idf:
            if self._seen is None:
                raise BadModel("BERTScore with idf has no references yet: prepare_references()")
            told.append(f"idf={self._seen}")
        if self.baseline is not None:
            told.append("rescaled")
        return [*told, *self.changed("max_length"), *["prefix_space"] * self.prefix_space]

    def content(self) -> str:
        """Hash over the encoder's files and the baseline."""
        files = super().content()
        if self.baseline is None:
            return files
        return hashlib.sha256(f"{files} {self._floor!r}".encode()).hexdigest()[: len(files)]

    def prepare_references(self, references: Iterable[str]) -> Self:
        """With idf, counts in how many of the different references that are not empty a token is.

        Weight of token w: log((N + 1) / (n_w + 1)), where n_w of N references have it.
        """
        if not self.idf:
            return self
        texts = sorted({text for text in references if text.strip()})
        digest = hashlib.sha256()
        for text in texts:
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        tokens = self.encoder.tokens(self._framed(texts))
        counted = Counter(token for ids in tokens for token in set(ids))
        weight = np.full(self.encoder.vocabulary, math.log(len(texts) + 1), np.float32)
        for token, count in counted.items():
            weight[token] = math.log((len(texts) + 1) / (count + 1))
        self._weight, self._seen = weight, digest.hexdigest()[:8]
        return self

    def values(
        self,
        hypotheses: list[str],
        references: list[str],
        tokens_per_batch: int,
        precision: str,
        progress: Progress,
    ) -> np.ndarray:
        """F1 [n]; each text is read once among those whose vectors are held at once."""
        encoder = self.encoder
        weight = torch.from_numpy(self._weights()).to(encoder.model.device)
        different, index = distinct([*hypotheses, *references])
        pairs = index.reshape(2, -1).T
        tokens = encoder.tokens(self._framed(different))
        full = np.array([bool(text.strip()) for text in different])
        f1 = np.zeros(len(pairs))
        blocks = _blocks(pairs, lengths(tokens), _HELD // encoder.width)
        for block in blocks:
            texts, own = np.unique(pairs[block], return_inverse=True)
            read = [tokens[i] for i in texts]
            told = in_proportion(progress, sum(map(len, read)), len(block))
            vectors = encoder.vectors(read, tokens_per_batch, precision, told)
            own = own.reshape(-1, 2)
            f1[block] = greedy_f1(vectors, own, weight, tokens_per_batch)
        f1 *= full[pairs].all(1)
        return (f1 - self._floor) / (1 - self._floor)

    def _weights(self) -> np.ndarray:
        if self.idf:
            _ = self.settings()  # raises where there are no references yet
        if self._weight is None:
            weight = np.ones(self.encoder.vocabulary, np.float32)
            tokenizer = self.encoder.tokenizer
            frame = (tokenizer.cls_token_id, tokenizer.sep_token_id)
            weight[[token for token in frame if token is not None]] = 0
            self._weight = weight
        return self._weight

    def _framed(self, texts: list[str]) -> list[str]:
        before = " " if self.prefix_space else ""
        return [before + text.strip() for text in texts]


def _blocks(pairs: np.ndarray, length: np.ndarray, most: int) -> list[np.ndarray]:
    """Pairs [n, 2] in blocks of at most about `most` tokens, a reference's pairs together."""
    order = np.argsort(pairs[:, 1], kind="stable")
    new = np.diff(pairs[order, 1], prepend=-1) != 0
    cost = length[pairs[order, 0]] + new * length[pairs[order, 1]]
    block = np.cumsum(cost) // max(1, most)
    return np.split(order, np.flatnonzero(np.diff(block)) + 1)


def _baseline(file: Path, layer: int) -> float:
    with file.open(encoding="utf-8", newline="") as opened:
        dialect = csv.excel_tab if "\t" in opened.readline() else csv.excel
        opened.seek(0)
        rows = {row.get("LAYER"): row.get("F") for row in csv.DictReader(opened, dialect=dialect)}
    try:
        value = float(rows.get(str(layer)) or "")
    except ValueError:
        value = math.nan
    if not value < 1:
        raise BadValue("baseline", str(file), f"a column F with a number < 1 for layer {layer}")
    return value
