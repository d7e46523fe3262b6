"""Vectors of prompts without any pretrained model: tf-idf of their words, reduced by an SVD.

Latent semantic analysis (Deerwester et al., 1990), fitted on the training prompts alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from workbench.errors import BadModel, BadValue, UnknownName

_WORD = r"(?u)\w+|[^\w\s]"  # signs too: they tell code and mathematics from prose


@dataclass(frozen=True)
class TfidfVectors:
    """Options of tf-idf vectors.

    Attributes:
        dimensions: of a vector, at most; fewer where the training prompts span fewer.
        features: most words and word sequences that count, the commonest.
        ngrams: longest sequence of words.
        min_prompts: training prompts that a word must occur in.
        sublinear: 1 + log of a word's count in place of the count.
        seed: of the randomised SVD.
    """

    dimensions: int = 256
    features: int = 20000
    ngrams: int = 2
    min_prompts: int = 2
    sublinear: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("dimensions", "features", "ngrams", "min_prompts"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise BadValue(f"encoder.{name}", value, "a positive number")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From plain values, as files hold them; raises UnknownName on a key not known."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise UnknownName("option of tf-idf vectors", name, known)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Its plain values."""
        return asdict(self)


@dataclass(frozen=True)
class FittedTfidf:
    """What makes vectors of prompts, after it has seen the training prompts.

    Attributes:
        options: how.
        terms: the F words and word sequences that count.
        idf: [F] float64, their inverse document frequencies.
        components: [D, F] float32, the directions of the vectors.
    """

    options: TfidfVectors
    terms: list[str]
    idf: np.ndarray
    components: np.ndarray

    @classmethod
    def fit(cls, options: TfidfVectors, prompts: Sequence[str]) -> Self:
        """Learns words and directions; the order of the prompts does not matter.

        Raises:
            BadValue: no word occurs in `min_prompts` prompts.
        """
        vectoriser = _vectoriser(options, min_df=options.min_prompts, max_features=options.features)
        try:
            counts = vectoriser.fit_transform(sorted(prompts))
        except ValueError as error:
            raise BadValue(
                "encoder.min_prompts",
                options.min_prompts,
                f"so few that words of the {len(prompts)} training prompts are left: {error}",
            ) from error
        size = min(options.dimensions, *counts.shape)
        components = np.eye(1)
        if counts.shape[1] > 1:  # with fewer it refuses
            components = TruncatedSVD(size, random_state=options.seed).fit(counts).components_
        terms = vectoriser.get_feature_names_out().tolist()
        idf = np.asarray(vectoriser.idf_, np.float64)
        return cls(options, terms, idf, components.astype(np.float32))

    @classmethod
    def from_arrays(
        cls, options: TfidfVectors, terms: Sequence[str], arrays: Mapping[str, np.ndarray]
    ) -> Self:
        """As it was; raises BadModel where the parts do not fit each other."""
        idf, components = arrays["idf"], arrays["components"]
        if idf.shape != (len(terms),) or components.shape[1:] != idf.shape:
            raise BadModel(
                f"tf-idf of {len(terms)} terms with idf {idf.shape} and components "
                f"{components.shape}: its files are not of one model"
            )
        return cls(options, list(terms), idf, components)

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it but options and terms."""
        return {"idf": self.idf, "components": self.components}

    def vectors(self, prompts: Sequence[str]) -> np.ndarray:
        """Vectors [n, D] float32 of n prompts; 0 for one without any known word."""
        if not prompts:
            return np.zeros((0, len(self.components)), np.float32)
        vectoriser, directions = self._parts
        found: np.ndarray = vectoriser.transform(prompts) @ directions
        return found.astype(np.float32)

    @cached_property
    def _parts(self) -> tuple[TfidfVectorizer, np.ndarray]:
        """Made once: they take far longer than a prompt's vector."""
        vectoriser = _vectoriser(self.options, vocabulary=self.terms)
        vectoriser.idf_ = self.idf
        return vectoriser, self.components.T.astype(np.float64)


def _vectoriser(options: TfidfVectors, **more: Any) -> TfidfVectorizer:
    return TfidfVectorizer(
        ngram_range=(1, options.ngrams),
        sublinear_tf=options.sublinear,
        token_pattern=_WORD,
        **more,
    )
