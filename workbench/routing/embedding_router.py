"""Routers that learn from fixed vectors of the prompts: what all of them share but the learning."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from workbench import terminal
from workbench.errors import BadModel
from workbench.models import saved
from workbench.models.content import content
from workbench.models.device import device_of
from workbench.models.model_directory import MODEL_FILES, model_directory
from workbench.models.vector_cache import cached_vectors
from workbench.models.vectors import TextEncoder, check_vector_options, unit_length
from workbench.routing.data import RouterData
from workbench.routing.fitted_router import FittedRouter
from workbench.routing.tfidf import FittedTfidf, TfidfVectors

_TFIDF = "tfidf."
_TERMS = "tfidf.json"


class EmbeddingRouter(FittedRouter):
    """Reads a prompt as a vector, by an encoder that stays as it is, and learns from vectors.

    A subclass gives `learn`, `predict`, `learned_arrays` and `take_learned`. A pretrained encoder
    is not kept with the router: only where it lay and what it held.

    Args:
        encoder: a directory or hub id of a pretrained encoder, or options of tf-idf vectors of
            the training prompts, for where there is none.
        llms: to choose from; taken from the data in training.
        max_tokens: of a prompt's text that a pretrained encoder reads, its frame not counted.
        pooling: of a pretrained encoder, "mean" over the tokens, or "first".
        normalise: vectors of length 1.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    def __init__(
        self,
        encoder: str | TfidfVectors,
        *,
        llms: Sequence[str] | None = None,
        max_tokens: int = 256,
        pooling: str = "mean",
        normalise: bool = True,
    ) -> None:
        super().__init__(llms=llms)
        check_vector_options(pooling, max_tokens)
        if isinstance(encoder, Mapping):  # as files hold it: plain values only
            encoder = TfidfVectors.from_dict(encoder)
        # A training is used from other folders too than that where it was started.
        if isinstance(encoder, str) and Path(encoder).expanduser().is_dir():
            encoder = str(Path(encoder).expanduser().resolve())
        self.encoder = encoder
        self.hparams["encoder"] = encoder if isinstance(encoder, str) else encoder.to_dict()
        self.reader: TextEncoder | FittedTfidf | None = None

    @abstractmethod
    def learn(
        self,
        vectors: np.ndarray,
        rewards: np.ndarray,
        held_out_vectors: np.ndarray,
        held_out_rewards: np.ndarray,
    ) -> None:
        """Learns from vectors [Q, D] float32 with rewards [Q, L].

        Settings may be chosen on the held-out prompts; nothing else may be learned of them. A
        reward that is NaN is not known; every prompt has one, and every LLM in training.
        """

    @abstractmethod
    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Utilities [P, L] float64 of vectors [P, D]."""

    @abstractmethod
    def learned_arrays(self) -> dict[str, np.ndarray]:
        """All that was learned beside the vectors."""

    @abstractmethod
    def take_learned(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes what `learned_arrays` gave."""

    def learn_from(
        self,
        prompts: Sequence[str],
        rewards: np.ndarray,
        held_out: Sequence[str],
        held_out_rewards: np.ndarray,
        data: RouterData,
    ) -> np.ndarray:
        """See `FittedRouter.learn_from`; vectors of a pretrained encoder are kept on disk."""
        both = [*prompts, *held_out]
        if isinstance(self.encoder, TfidfVectors):
            self.reader = FittedTfidf.fit(self.encoder, prompts)
            vectors = self.reader.vectors(both)
        else:
            self.reader = self._load_encoder().to(device_of("auto"))
            tokens = data.hparams["tokens_per_batch"]
            with terminal.progress("vectors of prompts", len(both), "prompts") as advance:
                vectors = cached_vectors(
                    self.reader, both, data.folder, tokens_per_batch=tokens, progress=advance
                )
        vectors = self._scaled(vectors)
        train, rest = vectors[: len(prompts)], vectors[len(prompts) :]
        self.learn(train, rewards, rest, held_out_rewards)
        return self.predict(rest)

    def utilities_of(
        self,
        prompts: Sequence[str],
        tokens_per_batch: int,
        precision: str,
        progress: Callable[[int], None] | None,
    ) -> np.ndarray:
        """See `FittedRouter.utilities_of`."""
        if isinstance(self.reader, TextEncoder):
            vectors = self.reader.vectors(
                prompts, tokens_per_batch=tokens_per_batch, precision=precision, progress=progress
            )
        else:
            assert self.reader is not None
            vectors = self.reader.vectors(prompts)
            if progress is not None:
                progress(len(prompts))
        return self.predict(self._scaled(vectors))

    def _scaled(self, vectors: np.ndarray) -> np.ndarray:
        return unit_length(vectors) if self.hparams["normalise"] else vectors

    def _load_encoder(self) -> TextEncoder:
        assert isinstance(self.encoder, str)
        h = self.hparams
        return TextEncoder.load(self.encoder, pooling=h["pooling"], max_tokens=h["max_tokens"])

    def to(self, device: object) -> Self:
        """Moves the encoder to a device."""
        if isinstance(self.reader, TextEncoder):
            self.reader.to(device)
        return self

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learned."""
        if not isinstance(self.reader, FittedTfidf):
            return self.learned_arrays()
        own = {f"{_TFIDF}{name}": array for name, array in self.reader.arrays().items()}
        return own | self.learned_arrays()

    def take_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes what `arrays` gave."""
        if isinstance(self.encoder, TfidfVectors):
            own = {
                name.removeprefix(_TFIDF): a
                for name, a in arrays.items()
                if name.startswith(_TFIDF)
            }
            self.reader = FittedTfidf.from_arrays(self.encoder, self._terms, own)
        self.take_learned(arrays)

    def told(self) -> dict[str, Any]:
        """The content of a pretrained encoder."""
        return {"encoder": self.reader.content} if isinstance(self.reader, TextEncoder) else {}

    def save_beside(self, directory: Path) -> None:
        """Writes the terms of tf-idf vectors."""
        if isinstance(self.reader, FittedTfidf):
            saved.write_json(directory / _TERMS, {"terms": self.reader.terms})

    def load_beside(self, directory: Path, config: Mapping[str, Any]) -> None:
        """Reads the terms, or loads the encoder; raises BadModel where it is not as it was."""
        if isinstance(self.encoder, TfidfVectors):
            self._terms = list(saved.read_json(directory / _TERMS).get("terms", ()))
            return
        found = content(model_directory(self.encoder), *MODEL_FILES)
        if found != config.get("encoder"):
            raise BadModel(
                f"the encoder '{self.encoder}' is not the one that the router in {directory} was "
                f"trained with: its files have the content {found}, not {config.get('encoder')}"
            )
        self.reader = self._load_encoder()
