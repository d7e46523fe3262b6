import numpy as np
import pytest
from tiny_pipeline import SCHEMES, content, execute, one, rows

from workbench.aggregation import SCHEMES as ALL_SCHEMES
from workbench.aggregation import Scheme, prompt_keys, ranks
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.stages.aggregate import aggregate
from workbench.store.pool import load_logits, load_pool
from workbench.store.store import Store


def test_rankings_are_what_the_schemes_make_of_the_stored_logits(compared_pool):
    store = Store(compared_pool / "store.duckdb")
    ranker = one(store.path, "select any_value(ranker) from comparisons")
    pool = load_pool(store, split="test")
    logits = load_logits(store, pool, ranker)
    for text in SCHEMES:
        scheme = Scheme.parse(text)
        scores = scheme.scores(logits, pool.mask, prompt_keys(pool.prompt_ids))
        places = ranks(scores, pool.mask)
        found = {
            candidate: (score, rank)
            for candidate, score, rank in rows(
                store.path,
                "select candidate_id, score, rank from rankings where ranker = ? and scheme = ?",
                ranker,
                str(scheme),
            )
        }
        for q, n in np.argwhere(pool.mask):
            expected = (pytest.approx(scores[q, n]), places[q, n])
            assert found[pool.candidate_ids[q, n]] == expected
    assert one(store.path, "select count(distinct scheme) from rankings") == len(SCHEMES)


def test_again_the_same_and_with_other_logits_replaced(compared_pool, fresh):
    store = fresh(compared_pool)
    before = content(store, "rankings")
    done = aggregate(store, schemes=SCHEMES)
    assert content(store, "rankings") == before
    assert [n for _, n, _ in done.rows] == [
        one(store, "select count(distinct prompt_id) from comparisons")
    ] * len(SCHEMES)
    assert {text.partition("(")[0].partition(";")[0]: pairs for text, _, pairs in done.rows} == {
        "max_logits": 132,
        "bradley_terry": 132,
        "bubble": 22,
    }
    execute(store, "update comparisons set logit = -logit")
    aggregate(store, schemes=["max_logits"])
    after = content(store, "rankings")
    assert len(after) == len(before)
    assert {row[1] for row in after - before} == {str(Scheme.parse("max_logits"))}


def test_all_schemes_by_default(compared_pool, fresh):
    done = aggregate(fresh(compared_pool))
    assert [text for text, _, _ in done.rows] == [str(Scheme.parse(name)) for name in ALL_SCHEMES]


def test_names_and_values_are_refused_with_the_valid_ones(compared_pool, measured_pool, fresh):
    store = fresh(compared_pool)
    before = content(store, "rankings")
    for schemes, error, told in (
        (["max_logits", "copland"], UnknownName, "Did you mean 'copeland'"),
        (["bradley_terry(priors=1)"], UnknownName, "Did you mean 'prior'"),
        (["bradley_terry(prior=-1)"], BadValue, "prior"),
        (["max_logits;order=bath"], UnknownName, "Did you mean 'both'"),
    ):
        with pytest.raises(error, match=told):
            aggregate(store, schemes=schemes)
    with pytest.raises(UnknownName, match="unknown ranker 'x'"):
        aggregate(store, ranker="x")
    assert content(store, "rankings") == before
    with pytest.raises(MissingInput, match="workbench compare"):
        aggregate(measured_pool / "store.duckdb")
