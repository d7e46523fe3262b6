"""Tags that are clusters of prompts that read alike."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.cluster import KMeans

from workbench import terminal
from workbench.errors import BadValue, MissingInput
from workbench.models.device import device_of
from workbench.models.vector_cache import cached_vectors
from workbench.models.vectors import TextEncoder, check_vector_options, unit_length
from workbench.routing.cluster_count import best_clusters, clusters_of
from workbench.routing.examples import RoutingExamples, load_examples, rewards_by_name
from workbench.routing.learnable import check_learnable, rewarded_llms
from workbench.routing.selection import several
from workbench.routing.tagger import Prompt, Tagger, Tags
from workbench.routing.tfidf import FittedTfidf, TfidfVectors
from workbench.routing.validation import RouteValidation
from workbench.store.source_text import source_text
from workbench.store.store import Store
from workbench.tracking import work_folder

_NAMED = ("max_tokens", "pooling", "normalise", "seed")
_TRAINING = """
    select prompt_id, instruction, input from prompts
    where split = 'train' and ($datasets is null or list_contains($datasets, dataset))
    order by prompt_id
"""


class ClusterTagger(Tagger):
    """A prompt's tag is the cluster (k-means) whose centre is nearest; `cluster 1` is the largest.

    Centres are made of the training prompts alone. Of several numbers of clusters that one is
    taken whose best LLMs by cluster, on training, have the highest mean reward on validation; of
    equals the smallest.

    Args:
        encoder: directory or hub id of a pretrained encoder, or options of tf-idf vectors of the
            training prompts, for where there is none.
        clusters: how many; of several numbers the best on validation. Never more than there are
            different training prompts.
        measure: the quality measure by which the number is chosen; none where one is given.
        max_tokens: of a prompt's text that a pretrained encoder reads, its frame not counted.
        pooling: of a pretrained encoder, "mean" over the tokens, or "first".
        normalise: vectors of length 1.
        seed: of the first centres.
        tokens_per_batch: budget of a batch in tokens, padding counted.
        device: cpu, cuda, cuda:1, mps …; auto takes an accelerator where there is one.
        label: what the name calls the encoder; null takes the last part of `encoder`, or tfidf.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    kind = "clusters"

    def __init__(
        self,
        encoder: str | TfidfVectors,
        *,
        clusters: int | Sequence[int] = (4, 8, 16, 32, 64),
        measure: str | None = None,
        max_tokens: int = 256,
        pooling: str = "mean",
        normalise: bool = True,
        seed: int = 0,
        tokens_per_batch: int = 16384,
        device: str = "auto",
        label: str | None = None,
    ) -> None:
        named = Path(encoder).expanduser().resolve().name if isinstance(encoder, str) else "tfidf"
        super().__init__(named if label is None else label)
        self.encoder, self.measure, self.seed = encoder, measure, seed
        self.counts = sorted(set(several("clusters", clusters)))
        if measure is None and len(self.counts) > 1:
            raise BadValue(
                "tagger.measure", measure, f"a measure of the store, to choose among {self.counts}"
            )
        check_vector_options(pooling, max_tokens)
        self.max_tokens, self.pooling, self.normalise = max_tokens, pooling, normalise
        self.tokens_per_batch, self.device = tokens_per_batch, device
        self._reader: TextEncoder | FittedTfidf | None = None
        self._made: KMeans | None = None
        self._content = ""

    def prepare(self, store: Store, datasets: Sequence[str] | None) -> Self:
        """Reads the training prompts, makes the clusters and chooses their number.

        Raises:
            MissingInput: no training prompt, or nothing to choose the number by.
            UnknownName: a measure that the store does not hold.
            BadModel: an encoder that cannot be used.
        """
        rows = store.query(_TRAINING, {"datasets": datasets}).to_pylist()
        if not rows:
            raise MissingInput(f"no training prompt in {datasets or 'any dataset'} to cluster")
        several_counts = len(self.counts) > 1
        rewarded = _rewarded(store, str(self.measure), datasets) if several_counts else None
        ids = [str(row["prompt_id"]) for row in rows]
        texts = [source_text(row["instruction"], row["input"]) for row in rows]
        self._folder = work_folder(store.path)
        self._reader = self._reader_of(texts)
        vectors = self._vectors(texts, "vectors of training prompts")
        if rewarded is None:
            made = clusters_of(vectors, self.counts[0], self.seed)
        else:
            made = self._chosen(ids, vectors, *rewarded)
        self._made = made
        self._content = self._hash(ids)
        size = np.bincount(made.labels_, minlength=made.n_clusters)
        self._place = np.argsort(np.argsort(-size, kind="stable")) + 1
        return self

    def _chosen(
        self, ids: list[str], vectors: np.ndarray, train: RoutingExamples, held_out: RoutingExamples
    ) -> KMeans:
        measure = str(self.measure)
        llms = rewarded_llms(train, held_out, measure)
        rewards, known = rewards_by_name(train, llms), rewards_by_name(held_out, llms)
        check_learnable(rewards, known, llms, measure)
        row = {id: place for place, id in enumerate(ids)}
        rewarded = np.array([row[id] for id in train.prompt_ids])
        others = self._vectors(held_out.prompts, "vectors of validation prompts")
        with terminal.progress("clusters", None, "numbers tried") as advance:
            made, quality = best_clusters(
                vectors, rewarded, rewards, others, known, self.counts, self.seed, advance
            )
        single = RouteValidation(known).metrics(np.zeros(known.shape))["best_single"]
        self.figures = {f"validation/clusters={count}": value for count, value in quality.items()}
        self.figures["validation/best_single"] = single
        return made

    def _reader_of(self, texts: list[str]) -> TextEncoder | FittedTfidf:
        if isinstance(self.encoder, TfidfVectors):
            return FittedTfidf.fit(self.encoder, texts)
        device = device_of(self.device)
        pooling, max_tokens = self.pooling, self.max_tokens
        return TextEncoder.load(self.encoder, pooling=pooling, max_tokens=max_tokens).to(device)

    def _vectors(self, texts: Sequence[str], title: str) -> np.ndarray:
        """Vectors [n, D] float32; those of a pretrained encoder are kept beside the store."""
        assert self._reader is not None
        if isinstance(self._reader, FittedTfidf):
            vectors = self._reader.vectors(texts)
        else:
            with terminal.progress(title, len(texts), "prompts") as told:
                tokens = self.tokens_per_batch
                vectors = cached_vectors(
                    self._reader, texts, self._folder, tokens_per_batch=tokens, progress=told
                )
        return unit_length(vectors) if self.normalise else vectors

    def settings(self) -> list[str]:
        """The number of clusters, and what is not the default."""
        return [f"k={self._clusters.n_clusters}", *self.changed(*_NAMED)]

    def content(self) -> str:
        """Encoder, training prompts and number of clusters."""
        return self._content

    def told(self) -> dict[str, Any]:
        """Where the vectors come from, and between which numbers was chosen."""
        encoder = self.encoder if isinstance(self.encoder, str) else self.encoder.to_dict()
        return {"encoder": encoder, "clusters": self.counts, "measure": self.measure}

    def tags(self, prompts: Sequence[Prompt]) -> Iterator[tuple[Prompt, Tags] | None]:
        """The cluster of each prompt."""
        vectors = self._vectors([prompt.text for prompt in prompts], "vectors of prompts")
        labels = self._place[self._clusters.predict(vectors)].tolist()
        tags = [(f"cluster {label}",) for label in labels]
        return iter(list(zip(prompts, tags, strict=True)))

    @property
    def _clusters(self) -> KMeans:
        if self._made is None:
            raise MissingInput("this ClusterTagger has no clusters yet: call prepare(store)")
        return self._made

    def _hash(self, ids: list[str]) -> str:
        reader = self.encoder.to_dict() if isinstance(self.encoder, TfidfVectors) else None
        key = self._reader.key() if isinstance(self._reader, TextEncoder) else reader
        parts = [key, self._clusters.n_clusters, self.normalise, self.seed, ids]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _rewarded(
    store: Store, measure: str, datasets: Sequence[str] | None
) -> tuple[RoutingExamples, RoutingExamples]:
    """Training and validation prompts with their rewards."""
    train = load_examples(store, measure, "train", datasets)
    return train, load_examples(store, measure, "validation", datasets)
