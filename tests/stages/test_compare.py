import numpy as np
import pytest
from store_contract import breaches
from tiny_pipeline import execute, one, rows, runs

from workbench.errors import MissingInput, UnknownName
from workbench.ranking.pair_ranker import PairRanker
from workbench.stages import pace
from workbench.stages.compare import compare
from workbench.store.source_text import source_text
from workbench.tracking import Tracker

LOGITS = "select left_id, right_id, logit from comparisons"


def logits_of(store):
    return {(left, right): logit for left, right, logit in rows(store, LOGITS)}


@pytest.fixture
def uncompared(compared_pool, fresh):
    """Makes stores with a trained ranker that has compared nothing yet."""

    def make(name):
        store = fresh(compared_pool, name)
        execute(store, "delete from comparisons")
        return store

    return make


def test_both_orders_of_every_pair_of_validation_and_test(compared_pool):
    store = compared_pool / "store.duckdb"
    pairs = rows(
        store,
        "select l.candidate_id, r.candidate_id from candidates l join candidates r "
        "using (prompt_id) join prompts using (prompt_id) "
        "where split in ('validation', 'test') and l.candidate_id <> r.candidate_id",
    )
    assert len(pairs) > 1000
    assert set(logits_of(store)) == set(pairs)
    assert one(store, "select count(*) from comparisons") == len(pairs)
    assert one(store, "select count(distinct ranker) from comparisons") == 1
    assert one(store, "select any_value(ranker) from comparisons") == (
        runs(store, "train")[0].info.run_id
    )


def test_logits_are_those_of_the_ranker_itself(compared_pool):
    store = compared_pool / "store.duckdb"
    sample = rows(
        store,
        "select instruction, input, l.text, r.text, logit from comparisons c "
        "join prompts p using (prompt_id) join candidates l on l.candidate_id = c.left_id "
        "join candidates r on r.candidate_id = c.right_id order by left_id, right_id limit 60",
    )
    folder = Tracker(store).artifact(runs(store, "train")[0].info.run_id, "model")
    prompts, left, right = (
        [source_text(i, x) for i, x, *_ in sample],
        [row[2] for row in sample],
        [row[3] for row in sample],
    )
    direct = PairRanker.from_pretrained(folder).compare(prompts, left, right)
    np.testing.assert_allclose([row[4] for row in sample], direct, atol=1e-5)
    assert np.std(direct) > 0


def test_only_what_is_missing_is_computed(compared_pool, fresh):
    store = fresh(compared_pool)
    before, known = logits_of(store), len(runs(store))
    lost = sorted(before)[::50]
    for left, right in lost:
        execute(store, "delete from comparisons where left_id = ? and right_id = ?", left, right)
    kept = next(pair for pair in before if pair not in lost)
    execute(store, "update comparisons set logit = 99 where left_id = ? and right_id = ?", *kept)
    done = compare(store)
    assert (done.new, done.there) == (len(lost), len(before) - len(lost))
    after = logits_of(store)
    assert after.pop(kept) == 99
    assert after == {pair: pytest.approx(before[pair], abs=1e-5) for pair in before if pair != kept}
    assert breaches(store) == []
    again = compare(store)
    assert (again.new, again.there) == (0, len(before))
    assert len(runs(store)) == known


def test_small_chunks_lose_and_double_nothing(compared_pool, uncompared, monkeypatch):
    monkeypatch.setattr(pace, "_FIRST_PAIRS", 100)
    monkeypatch.setattr(pace, "_MOST_PAIRS", 300)
    store = uncompared("chunks")
    compare(store, tokens_per_batch=2000)
    expected = logits_of(compared_pool / "store.duckdb")
    assert logits_of(store) == {p: pytest.approx(v, abs=1e-5) for p, v in expected.items()}
    assert breaches(store) == []


def test_random_order_shows_each_pair_once_by_a_seeded_coin(compared_pool, uncompared):
    both = logits_of(compared_pool / "store.duckdb")
    found = []
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        store = uncompared(name)
        compare(store, splits=["test"], order="random", seed=seed)
        found.append(logits_of(store))
    first, again, other = found
    assert first == again
    assert set(first) != set(other)
    for shown in (first, other):
        assert {frozenset(pair) for pair in shown} == {frozenset(pair) for pair in first}
        assert not any((right, left) in shown for left, right in shown)
        assert 0.3 < np.mean([left < right for left, right in shown]) < 0.7
        assert all(both[pair] == pytest.approx(logit, abs=1e-5) for pair, logit in shown.items())
    n = one(compared_pool / "store.duckdb", "select count(*) from prompts where split = 'test'")
    assert len(first) == n * 12 * 11 / 2


def test_what_is_not_there_is_said_before_a_run_begins(measured_pool, compared_pool, fresh):
    store = fresh(measured_pool)
    with pytest.raises(MissingInput, match="workbench train"):
        compare(store)
    with pytest.raises(UnknownName, match="Did you mean 'simulated'"):
        compare(store, datasets=["simulatd"])
    assert runs(store, "compare") == []
    with pytest.raises(UnknownName, match="unknown train run 'nope'"):
        compare(fresh(compared_pool, "other"), ranker="nope")
