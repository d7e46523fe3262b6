"""A schedule on the live ranker compares the pairs that it asks for, and no other."""

import numpy as np
import pytest
from store_contract import breaches
from tiny_pipeline import execute, one, rows, runs

from workbench.aggregation import Scheme, prompt_keys
from workbench.errors import BadValue, UnknownName
from workbench.ranking.pair_ranker import PairRanker
from workbench.stages import live_schedule, pace
from workbench.stages.aggregate import aggregate
from workbench.stages.compare import compare
from workbench.store.pool import load_logits, load_pool
from workbench.store.store import Store

LOGITS = "select left_id, right_id, logit from comparisons"
SCHEMES = ["knockout(seed=2)", "bradley_terry;schedule=swiss(rounds=3)",
           "borda;schedule=top_k(k=2)"]  # fmt: skip


def logits_of(store):
    return {(left, right): logit for left, right, logit in rows(store, LOGITS)}


def schedule_of(scheme):
    parsed = Scheme.parse(scheme)
    return str(parsed.schedule)


@pytest.fixture
def uncompared(compared_pool, fresh):
    def make(name="uncompared"):
        store = fresh(compared_pool, name)
        execute(store, "delete from comparisons")
        execute(store, "delete from rankings")
        return store

    return make


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_compares_what_the_stored_logits_say_it_needs(compared_pool, uncompared, scheme):
    whole, store = compared_pool / "store.duckdb", uncompared()
    done = compare(store, splits=["test"], schedule=schedule_of(scheme))
    pool = load_pool(Store(whole), split="test")
    L = load_logits(Store(whole), pool, done.ranker)
    expected = Scheme.parse(scheme).rank_stored(L, pool.mask, prompt_keys(pool.prompt_ids))
    assert done.new == expected.comparisons.sum() == one(store, "select count(*) from comparisons")
    assert 0 < done.new < (~np.isnan(L)).sum()
    both = logits_of(whole)
    assert all(
        both[pair] == pytest.approx(logit, abs=1e-5) for pair, logit in logits_of(store).items()
    )
    aggregate(store, schemes=[scheme])
    found = dict(rows(store, "select candidate_id, score from rankings"))
    assert len(found) == pool.mask.sum()
    for q, n in zip(*np.nonzero(pool.mask), strict=True):
        assert found[pool.candidate_ids[q, n]] == pytest.approx(expected.scores[q, n], abs=1e-4)
    assert breaches(store) == []


def test_a_second_start_and_a_lost_row_compute_only_what_is_missing(uncompared, monkeypatch):
    monkeypatch.setattr(live_schedule, "_PROMPTS", 5)
    store = uncompared()
    first = compare(store, splits=["test"], schedule="knockout")
    known = logits_of(store)
    again = compare(store, splits=["test"], schedule="knockout")
    assert (again.new, again.there) == (0, first.new)
    lost = sorted(known)[0]
    execute(store, "delete from comparisons where left_id = ? and right_id = ?", *lost)
    mended = compare(store, splits=["test"], schedule="knockout")
    assert (mended.new, mended.there) == (1, first.new - 1)
    assert logits_of(store) == {pair: pytest.approx(v, abs=1e-5) for pair, v in known.items()}
    assert len(runs(store, "compare")) == 2  # that of the copied pool, and this one


def test_what_a_round_had_compared_when_it_was_stopped_is_kept(uncompared, monkeypatch):
    for name in ("_FIRST_PAIRS", "_MOST_PAIRS"):
        monkeypatch.setattr(pace, name, 20)
    whole, sizes = PairRanker.compare, []

    def stops_at_the_third(self, prompts, *texts, **options):
        sizes.append(len(prompts))
        if len(sizes) == 3:
            raise KeyboardInterrupt
        return whole(self, prompts, *texts, **options)

    store = uncompared()
    with monkeypatch.context() as patched:
        patched.setattr(PairRanker, "compare", stops_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            compare(store, splits=["test"], schedule="knockout")
    assert len(logits_of(store)) == sizes[0] + sizes[1] > 0
    rest = compare(store, splits=["test"], schedule="knockout")
    n = one(store, "select count(*) from prompts where split = 'test'")
    assert (rest.there, rest.new + rest.there) == (sizes[0] + sizes[1], n * 11 * 2)


def test_a_schedule_uses_what_another_has_compared(uncompared):
    store = uncompared()
    compare(store, splits=["test"], schedule="swiss(rounds=2)")
    there = logits_of(store)
    more = compare(store, splits=["test"], schedule="swiss(rounds=3)")
    assert more.there == len(there)
    assert more.new > 0
    rest = compare(store, splits=["test"])
    n = one(store, "select count(*) from prompts where split = 'test'")
    assert rest.there == len(there) + more.new
    assert rest.new == n * 12 * 11 - rest.there


def test_one_random_order_a_pair_on_a_schedule(uncompared):
    store = uncompared()
    done = compare(store, splits=["test"], schedule="knockout", order="random")
    shown = logits_of(store)
    n = one(store, "select count(*) from prompts where split = 'test'")
    assert len(shown) == done.new == n * 11
    assert not any((right, left) in shown for left, right in shown)
    aggregate(store, schemes=["knockout;order=random"])
    assert one(store, "select count(*) from rankings") == n * 12


def test_a_schedule_that_is_none_is_told_before_a_run_begins(uncompared):
    store = uncompared()
    known = len(runs(store, "compare"))
    with pytest.raises(UnknownName, match="knockout"):
        compare(store, schedule="knockot")
    with pytest.raises(UnknownName, match="seed"):
        compare(store, schedule="knockout(sed=1)")
    with pytest.raises(BadValue):
        compare(store, schedule="top_k(k=0)")
    assert len(runs(store, "compare")) == known
