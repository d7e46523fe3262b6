"""Rounds of a schedule over many prompts: what is asked, counted and left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logit_pools import pools

from workbench.aggregation import (
    OUTCOMES,
    SCHEDULES,
    Schedule,
    Scheme,
    apply_order,
    preferences,
    prompt_keys,
    stored,
)
from workbench.errors import BadValue

few = settings(max_examples=25, deadline=None)
every_schedule = pytest.mark.parametrize("name", tuple(SCHEDULES))
modes = pytest.mark.parametrize("order", ["both", "random", "left"])


class Live:
    """A ranker that keeps a record of its calls."""

    def __init__(self, L):
        self.L, self.calls = L, []

    def __call__(self, prompt, left, right):
        self.calls.append((prompt.copy(), left.copy(), right.copy()))
        return self.L[prompt, left, right]


def asked(live):
    return [place for call in live.calls for place in zip(*call, strict=True)]


@every_schedule
@modes
@few
@given(pool=pools())
def test_no_presentation_is_asked_for_twice_and_all_are_counted(name, order, pool):
    L, mask = pool
    live, keys = Live(L), np.arange(len(L)) + 3
    played = Schedule(name).play(live, mask, order, 1, keys)
    places = asked(live)
    assert len(set(places)) == len(places)
    assert all(i != j and mask[q, i] and mask[q, j] for q, i, j in places)
    assert all(len(prompt) for prompt, _, _ in live.calls)
    counts = np.bincount([q for q, _, _ in places], minlength=len(L))
    np.testing.assert_array_equal(played.comparisons, counts)
    compared = np.full(L.shape, np.nan)
    for place in places:
        compared[place] = L[place]
    np.testing.assert_array_equal(played.logits, compared)
    assert played.complete.all()
    assert played.missing is None


@every_schedule
@modes
@few
@given(pool=pools())
def test_presentations_are_those_of_the_order_mode(name, order, pool):
    L, mask = pool
    keys = np.arange(len(L)) + 3
    played = Schedule(name).play(stored(L), mask, order, 1, keys)
    there = ~np.isnan(played.logits)
    np.testing.assert_array_equal(there & np.isnan(apply_order(L, order, 1, keys)), False)
    either = there | there.transpose(0, 2, 1)
    each = 2 if order == "both" else 1
    np.testing.assert_array_equal(there.sum(axis=(1, 2)), each * either.sum(axis=(1, 2)) // 2)


@every_schedule
@few
@given(pool=pools(widest=7))
def test_a_round_is_one_call(name, pool):
    """As many calls as rounds, however many prompts: the longest prompt's rounds."""
    L, mask = pool
    live = Live(L)
    Schedule(name).play(live, mask)
    alone = []
    for row in range(len(L)):
        single = Live(L[row : row + 1])
        Schedule(name).play(single, mask[row : row + 1])
        alone.append(len(single.calls))
    assert len(live.calls) <= max(alone) or name == "merge_sort"
    assert len(live.calls) <= sum(alone)


@every_schedule
@modes
@few
@given(pool=pools(widest=7))
def test_a_prompt_is_played_alone_as_in_a_batch(name, order, pool):
    L, mask = pool
    keys = prompt_keys([f"prompt {row}" for row in range(len(L))])
    together = Schedule(name).play(stored(L), mask, order, 2, keys)
    for row in range(len(L)):
        one = slice(row, row + 1)
        alone = Schedule(name).play(stored(L[one]), mask[one], order, 2, keys[one])
        np.testing.assert_array_equal(alone.logits[0], together.logits[row])
        if together.outcome is not None:
            np.testing.assert_allclose(alone.outcome[0], together.outcome[row], atol=1e-9)


@every_schedule
@few
@given(pool=pools(holes=True), order=st.sampled_from(["both", "random", "left"]))
def test_missing_pairs_make_a_prompt_incomplete_and_end_it(name, order, pool):
    L, mask = pool
    live = Live(L)
    played = Schedule(name).play(live, mask, order)
    known = ~np.isnan(preferences(apply_order(L, order), mask))
    wanted = np.zeros(len(L), bool)
    for prompt, left, right in live.calls:
        assert not wanted[prompt].any() or order == "random"
        if order != "random":
            wanted[prompt[~known[prompt, left, right]]] = True
    if order != "random":
        np.testing.assert_array_equal(played.complete, ~wanted)
    pairs = mask[:, :, None] & mask[:, None, :] & ~np.eye(mask.shape[1], dtype=bool)
    whole = ~(pairs & ~known).any(axis=(1, 2))
    assert played.complete[whole].all()
    assert (played.missing is None) == played.complete.all()
    if played.missing is not None:
        q, i, j = played.missing
        assert not known[q, i, j]
        assert not played.complete[q]
    if played.outcome is not None:
        assert np.isfinite(played.outcome[mask]).all()


def test_one_presentation_is_enough_and_counts_once():
    L = np.full((1, 3, 3), np.nan, dtype=np.float32)
    L[0, 0, 1], L[0, 2, 0], L[0, 1, 2] = 1.0, -2.0, 3.0
    mask = np.ones((1, 3), dtype=bool)
    for order, complete in (("both", True), ("random", True), ("left", False)):
        ranked = Scheme.of("borda", order=order).rank(stored(L), mask)
        assert ranked.complete.tolist() == [complete]
        assert ranked.comparisons.tolist() == [3 if complete else 2]


@pytest.mark.parametrize("name", ["borda", *OUTCOMES])
@few
@given(pool=pools())
def test_a_live_ranker_and_stored_logits_give_the_same(name, pool):
    L, mask = pool
    keys = np.arange(len(L))
    scheme = Scheme.of(name, order="random")
    live = scheme.rank(Live(L), mask, keys)
    there = scheme.rank_stored(L, mask, keys)
    np.testing.assert_array_equal(live.scores, there.scores)
    np.testing.assert_array_equal(live.comparisons, there.comparisons)
    np.testing.assert_array_equal(live.logits, there.logits)
    np.testing.assert_array_equal(live.scores, scheme.scores(L, mask, keys))


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    L = rng.normal(size=(50, 5, 5)).astype(np.float32)
    mask = rng.random((50, 5)) < 0.8
    keys = prompt_keys([str(row) for row in range(50)])
    schemes = [Scheme.of(name, order="random") for name in OUTCOMES]
    schemes += [Scheme.of("copeland", schedule=name) for name in SCHEDULES]
    whole = [scheme.rank_stored(L, mask, keys) for scheme in schemes]
    monkeypatch.setattr("workbench.aggregation.played._CHUNK_CELLS", 7 * 25)
    for scheme, expected in zip(schemes, whole, strict=True):
        found = scheme.rank_stored(L, mask, keys)
        np.testing.assert_array_equal(found.scores, expected.scores)
        np.testing.assert_array_equal(found.logits, expected.logits)
        np.testing.assert_array_equal(found.comparisons, expected.comparisons)
    L[37] = np.nan
    mask[37] = True
    with pytest.raises(BadValue, match="of prompt row 37"):
        Scheme("bubble").scores(L, mask, keys)


def test_a_ranker_that_breaks_the_contract_is_refused():
    mask = np.ones((2, 3), dtype=bool)
    with pytest.raises(BadValue, match=r"logit\[0, 0, 1\] = inf"):
        Scheme("borda").rank(lambda q, i, j: np.where(q == 0, np.inf, 1.0), mask)
    with pytest.raises(BadValue, match="shape of the logits"):
        Scheme("borda").rank(lambda q, i, j: np.zeros(len(q) + 1), mask)
    with pytest.raises(BadValue, match="mask"):
        Scheme("borda").rank(lambda q, i, j: np.zeros(len(q)), np.ones((2, 3)))
    with pytest.raises(BadValue, match="keys"):
        Scheme("bubble").rank(lambda q, i, j: np.zeros(len(q)), mask, np.zeros(3, int))
