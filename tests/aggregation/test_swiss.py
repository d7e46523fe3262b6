"""Swiss: who meets whom, against a table kept by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logit_pools import pools

from workbench.aggregation import Schedule, Scheme, preferences, stored
from workbench.aggregation.schedules import SCHEDULES
from workbench.aggregation.seeds import shuffled
from workbench.errors import BadValue

few = settings(max_examples=40, deadline=None)


def rounds_of(D, mask, keys, rounds, seed=0):
    """All rounds of swiss, as lists of (prompt, i, j)."""
    schedule = SCHEDULES["swiss"](mask, keys, rounds=rounds, seed=seed)
    found = []
    try:
        pairs = next(schedule)
        while True:
            found.append([tuple(map(int, pair)) for pair in zip(*pairs, strict=True)])
            pairs = schedule.send(D[pairs.prompt, pairs.i, pairs.j])
    except StopIteration:
        return found


@few
@given(pool=pools(widest=9), rounds=st.integers(1, 9))
def test_no_one_meets_twice_nor_plays_twice_in_a_round(pool, rounds):
    L, mask = pool
    keys = np.arange(len(mask), dtype=np.uint64)
    found = rounds_of(preferences(L, mask), mask, keys, rounds)
    assert len(found) <= rounds
    met = [(q, *sorted(pair)) for pairs in found for q, *pair in pairs]
    assert len(set(met)) == len(met)
    for pairs in found:
        players = [(q, i) for q, *pair in pairs for i in pair]
        assert len(set(players)) == len(players)
    if found:
        first = np.bincount([q for q, *_ in found[0]], minlength=len(mask))
        np.testing.assert_array_equal(first, mask.sum(axis=1) // 2)


@few
@given(pool=pools(widest=9), rounds=st.integers(1, 5))
def test_pairs_are_those_of_a_table_kept_by_hand(pool, rounds):
    L, mask = pool
    keys = np.arange(len(mask), dtype=np.uint64)
    D = preferences(L, mask)
    order = shuffled(mask, 7, keys)
    found = rounds_of(D, mask, keys, rounds, seed=7)
    for q in range(len(mask)):
        turn = {int(i): t for t, i in enumerate(order[q]) if mask[q, i]}
        points, margin, byes = (dict.fromkeys(turn, 0.0) for _ in range(3))
        met = set()
        for pairs in found:
            table = sorted(turn, key=lambda i: (-points[i], -margin[i], turn[i]))
            if len(table) % 2:
                rest = max(table, key=lambda i: (-byes[i], table.index(i)))
                table.remove(rest)
                points[rest] += 0.5
                byes[rest] += 1
            expected = []
            while table:
                player = table.pop(0)
                free = [i for i in table if frozenset((player, i)) not in met]
                if free:
                    table.remove(free[0])
                    expected.append((player, free[0]))
            assert {(i, j) for p, i, j in pairs if p == q} == set(expected)
            for i, j in expected:
                met.add(frozenset((i, j)))
                won = (1 + np.sign(D[q, i, j])) / 2
                points[i] += won
                points[j] += 1 - won
                margin[i] += D[q, i, j]
                margin[j] -= D[q, i, j]


def test_leaders_meet_leaders():
    """A total order of eight: after three rounds the best has met the three that count."""
    strengths = np.arange(8.0)
    L = np.tile(strengths[:, None] - strengths[None, :], (50, 1, 1))
    mask, keys = np.ones((50, 8), bool), np.arange(50)
    ranked = Scheme.of("copeland", schedule="swiss(rounds=3)").rank(stored(L), mask, keys)
    assert (ranked.comparisons == 2 * 12).all()
    assert (ranked.scores[:, 7] == 3).all()
    assert (ranked.scores[:, :7] < 3).all()


def test_of_an_odd_number_each_rests_in_turn():
    L = np.random.default_rng(0).normal(size=(30, 3, 3))
    mask, keys = np.ones((30, 3), bool), np.arange(30)
    played = Schedule.parse("swiss(rounds=3)").play(stored(L), mask, keys=keys)
    assert (played.comparisons == 6).all()


@pytest.mark.parametrize("text", ["swiss(rounds=0)", "swiss(seed=-1)"])
def test_parameters_out_of_range_are_refused(text):
    with pytest.raises(BadValue):
        Schedule.parse(text)
