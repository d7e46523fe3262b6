"""Clusters of prompts: of training prompts alone, as many as do best on validation."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from tagged_pool import MEASURE, pool, pool_rows
from tiny_models import write
from transformers import AutoModel

from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.routing.cluster_count import best_clusters
from workbench.routing.cluster_tagger import ClusterTagger
from workbench.routing.tfidf import TfidfVectors
from workbench.stages.tag_rows import prompts_without
from workbench.store.store import Store

TFIDF = TfidfVectors(dimensions=8)


@pytest.fixture(scope="module")
def made(tmp_path_factory, empty_tracking):
    folder = tmp_path_factory.mktemp("prompts")
    shutil.copy(empty_tracking / "mlflow.db", folder)
    return pool(folder / "store.duckdb")


def found(tagger, store, splits=None):
    """Cluster of each prompt, by its text."""
    opened = Store(store)
    tagger.prepare(opened, None)
    prompts = prompts_without(opened, "nobody", {"datasets": None, "splits": splits})
    return {prompt.text: tags for prompt, tags in tagger.tags(prompts)}


def tagger(counts=(1, 2, 3), **options):
    return ClusterTagger(TFIDF, **{"clusters": counts, "measure": MEASURE, **options})


def another(tmp_path, made, change):
    """A store of the same rows after a change, and a folder of its own."""
    rows = [change(dict(row)) for row in pool_rows()]
    (tmp_path / "other").mkdir()
    shutil.copy(made.parent / "mlflow.db", tmp_path / "other")
    return pool(tmp_path / "other" / "store.duckdb", rows)


def test_two_kinds_of_prompts_are_two_clusters(made):
    made_of = tagger()
    tagged = found(made_of, made)
    kinds = {row["instruction"]: row["category"] for row in pool_rows()}
    assert len(tagged) == len(kinds)
    assert {(kinds[text], tags) for text, tags in tagged.items()} in (
        {("sums", ("cluster 1",)), ("verse", ("cluster 2",))},
        {("sums", ("cluster 2",)), ("verse", ("cluster 1",))},
    )
    assert made_of.name == "clusters[tfidf,k=2]@1"
    figures = made_of.figures
    assert figures["validation/clusters=1"] == pytest.approx(figures["validation/best_single"])
    assert figures["validation/clusters=2"] > 0.9 > figures["validation/clusters=1"]


def test_test_prompts_influence_nothing(made, tmp_path):
    def poisoned(row):
        if row["split"] == "test":
            row |= {"instruction": f"poison venom {row['instruction'][-2:]}", "quality.good": 1e6}
        return row

    first, other = tagger(), tagger()
    splits = ["train", "validation"]
    tagged = found(first, made, splits)
    assert found(other, another(tmp_path, made, poisoned), splits) == tagged
    assert (other.name, other.content()) == (first.name, first.content())
    assert other.figures == first.figures
    np.testing.assert_array_equal(other._made.cluster_centers_, first._made.cluster_centers_)


def test_validation_prompts_choose_the_number_and_no_centre(made, tmp_path):
    def steady(row):  # where the all-round LLM is best for all, one cluster says as much as two
        if row["split"] == "validation":
            row |= {"quality.good": float(row["llm"] == "steady")}
        return row

    store = another(tmp_path, made, steady)
    chosen = tagger()
    found(chosen, store)
    assert chosen.name == "clusters[tfidf,k=1]@1"
    assert found(tagger(2), store) == found(tagger(), made)


def test_a_tie_goes_to_fewer(made, tmp_path):
    def same(row):
        return row | ({"quality.good": 0.5} if row["split"] == "validation" else {})

    chosen = tagger((3, 2, 4))
    found(chosen, another(tmp_path, made, same))
    assert chosen.name == "clusters[tfidf,k=2]@1"


def naive(vectors, rewarded, rewards, others, known, counts, seed):
    """Number of clusters -> mean validation reward, prompt by prompt."""
    quality = {}
    for count in counts:
        means = KMeans(count, n_init=4, random_state=seed).fit(vectors)
        got = []
        for vector, own in zip(others, known, strict=True):
            here = means.predict(vector[None])[0]
            worth = []
            for llm in range(rewards.shape[1]):
                members = [
                    r[llm]
                    for place, r in zip(rewarded, rewards, strict=True)
                    if means.labels_[place] == here and np.isfinite(r[llm])
                ]
                everywhere = rewards[:, llm][np.isfinite(rewards[:, llm])]
                worth.append(np.mean(members) if members else np.mean(everywhere))
            usable = [llm for llm in range(len(own)) if np.isfinite(own[llm])]
            got.append(own[max(usable, key=lambda llm, worth=worth: worth[llm])])
        quality[count] = np.mean(got)
    return quality


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_choice_is_that_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(24, 3)).astype(np.float32)
    others = rng.normal(size=(9, 3)).astype(np.float32)
    rewarded = np.sort(rng.choice(24, 16, replace=False))
    rewards, known = rng.normal(size=(16, 4)), rng.normal(size=(9, 4))
    rewards[rng.random(rewards.shape) < 0.3] = np.nan
    rewards[0] = rng.normal(size=4)
    known[rng.random(known.shape) < 0.3] = np.nan
    known[:, 0] = rng.normal(size=9)
    told = []
    inputs = (vectors, rewarded, rewards, others, known)
    best, quality = best_clusters(*inputs, (5, 2, 3), seed, told.append)
    wanted = naive(*inputs, (2, 3, 5), seed)
    assert quality == pytest.approx(wanted)
    assert best.n_clusters == max(wanted, key=wanted.get)
    assert sum(told) == 3


def test_a_pretrained_encoder_reads_each_prompt_once(made, tmp_path):
    folder = write("bert", tmp_path / "tiny", AutoModel)
    store = another(tmp_path, made, lambda row: row)
    options = {"clusters": 3, "max_tokens": 40, "device": "cpu"}
    first = ClusterTagger(str(folder), **options)
    tagged = found(first, store)
    assert first.name == "clusters[tiny,k=3,max_tokens=40]@1"
    assert set(tagged.values()) == {("cluster 1",), ("cluster 2",), ("cluster 3",)}
    sizes = np.bincount(first._made.labels_)
    assert sorted(sizes, reverse=True) == [sizes[np.argsort(first._place)[n]] for n in range(3)]
    again = ClusterTagger(str(folder), **options)
    again._reader_of = lambda texts: _blind(first)
    assert found(again, store) == tagged
    seeded = ClusterTagger(str(folder), seed=3, label="own", **options).prepare(Store(store), None)
    assert seeded.name == "clusters[own,k=3,max_tokens=40,seed=3]@1"
    assert seeded.content() != first.content()


def _blind(tagger):
    """The encoder of a tagger that would fail if it were run."""
    tagger._reader.model.forward = None
    return tagger._reader


def test_never_more_clusters_than_prompts(made):
    chosen = tagger((500,))
    found(chosen, made)
    n = len({row["instruction"] for row in pool_rows() if row["split"] == "train"})
    assert chosen.name == f"clusters[tfidf,k={n}]@1"


def test_what_cannot_be_done_is_told(made):
    with pytest.raises(BadValue, match="measure = None"):
        ClusterTagger(TFIDF, clusters=(2, 3))
    with pytest.raises(BadValue, match="clusters = 0"):
        ClusterTagger(TFIDF, clusters=0)
    with pytest.raises(UnknownName, match="unknown measure 'goood'"):
        tagger(measure="goood").prepare(Store(made), None)
    with pytest.raises(MissingInput, match="call prepare"):
        _ = tagger(2).name


def test_a_store_without_training_prompts(made, tmp_path):
    store = another(tmp_path, made, lambda row: row | {"split": "test"})
    with pytest.raises(MissingInput, match="no training prompt"):
        tagger(2).prepare(Store(store), None)
