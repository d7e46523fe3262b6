from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from logit_pools import pools

from workbench.aggregation import preferences
from workbench.aggregation import schemes as table
from workbench.aggregation.borda import borda
from workbench.aggregation.counting import copeland
from workbench.errors import BadValue, UnknownName

kemeny = table.kemeny
few = settings(max_examples=40, deadline=None)


def by_trying_all_orders(L, mask, q, temperature):
    """Mean of (below − above) over all orders with the most votes on their side."""
    members = np.flatnonzero(mask[q])
    D = preferences(L, mask)[q][np.ix_(members, members)]
    votes = np.rint(np.nan_to_num(np.tanh(D / (2 * temperature))) * 2.0**40).astype(np.int64)
    orders = np.array(list(permutations(range(len(members)))), dtype=int)
    first, second = np.triu_indices(len(members), 1)
    worth = votes[orders[:, first], orders[:, second]].sum(axis=1)
    best = orders[worth == worth.max()]
    return members, len(members) - 1 - 2 * np.argsort(best, axis=1).mean(axis=0)


@pytest.mark.parametrize("temperature", [0.01, 1.0, 100.0])
@few
@given(pool=pools(holes=True))
def test_kemeny_equals_all_orders_tried(temperature, pool):
    L, mask = pool
    scores = kemeny(L, mask, temperature=temperature)
    for q in range(len(mask)):
        members, expected = by_trying_all_orders(L, mask, q, temperature)
        np.testing.assert_allclose(scores[q, members], expected, atol=1e-9)


def test_orders_as_good_as_each_other_are_averaged():
    L = np.full((2, 4, 4), np.nan, dtype=np.float32)
    L[0, 0, 1], L[0, 2, 3] = 1.0, 1.0  # 0 above 1, 2 above 3, and no more is known
    L[1, 0, 1], L[1, 1, 2], L[1, 2, 0] = 1.0, 1.0, 1.0  # a circle, and 3 not compared
    scores = kemeny(L, np.ones((2, 4), dtype=bool))
    np.testing.assert_allclose(scores, [[5 / 3, -5 / 3, 5 / 3, -5 / 3], [0, 0, 0, 0]], atol=1e-9)


def test_the_capital_of_tennessee():
    """The usual example: 42 % want Memphis, the largest city, and it is last for all others."""
    shares = {(0, 1): 0.42, (0, 2): 0.42, (0, 3): 0.42, (1, 2): 0.68, (1, 3): 0.68, (2, 3): 0.83}
    L = np.full((1, 4, 4), np.nan, dtype=np.float32)
    for pair, share in shares.items():
        L[0, *pair] = np.log(share / (1 - share))
    np.testing.assert_array_equal(kemeny(L, np.ones((1, 4), dtype=bool)), [[-3, 3, 1, -1]])


def test_who_beats_each_other_is_first_even_where_the_sums_say_no():
    L = np.zeros((1, 3, 3), dtype=np.float32)
    L[0, 0, 1] = L[0, 0, 2] = 0.5
    L[0, 1, 2] = 9.0
    L -= L.transpose(0, 2, 1).copy()
    mask = np.ones((1, 3), dtype=bool)
    assert borda(L, mask).argmax() == 1
    np.testing.assert_array_equal(kemeny(L, mask), [[2, 0, -2]])


def test_a_circle_is_cut_at_its_weakest_verdict_or_anywhere_if_only_verdicts_count():
    L = np.full((1, 3, 3), np.nan, dtype=np.float32)
    L[0, 0, 1], L[0, 1, 2], L[0, 2, 0] = 2.0, 1.0, 0.5
    mask = np.ones((1, 3), dtype=bool)
    np.testing.assert_array_equal(kemeny(L, mask), [[2, 0, -2]])
    np.testing.assert_array_equal(kemeny(L, mask, temperature=1e-3), [[0, 0, 0]])


def test_circles_within_an_order_are_solved_apart():
    """0 and 1 beat all of a circle of three, and 5 loses to all: the circle shares the middle."""
    strengths = np.array([9.0, 8.0, 4.0, 4.0, 4.0, 1.0])
    L = (strengths[:, None] - strengths[None, :])[None].astype(np.float32)
    L[0, 2, 3] = L[0, 3, 4] = L[0, 4, 2] = 1.0
    L[0, 3, 2] = L[0, 4, 3] = L[0, 2, 4] = -1.0
    mask = np.ones((1, 6), dtype=bool)
    np.testing.assert_array_equal(kemeny(L, mask), [[5, 3, -1, -1, -1, -5]])


@pytest.mark.parametrize("chunk", [1, 500])
def test_neither_chunks_nor_numbers_of_candidates_in_a_batch_matter(chunk, monkeypatch):
    rng = np.random.default_rng(0)
    L = rng.normal(size=(200, 7, 7)).astype(np.float32)
    L[rng.random(L.shape) < 0.5] = np.nan
    mask = rng.random((200, 7)) < 0.7
    whole = kemeny(L, mask)
    monkeypatch.setattr("workbench.aggregation.kemeny.CHUNK", chunk)
    np.testing.assert_array_equal(kemeny(L, mask), whole)


def test_the_most_candidates_that_there_may_be():
    most = table.limit("kemeny")
    strengths = np.arange(float(most + 1))
    L = (strengths[:, None] - strengths[None, :])[None].astype(np.float32)
    mask = np.ones((1, most + 1), dtype=bool)
    with pytest.raises(BadValue, match=f"{most + 1} candidates in prompt row 0.*at most {most}"):
        kemeny(L, mask)
    mask[0, 3] = False
    np.testing.assert_array_equal(kemeny(L, mask)[mask], copeland(L, mask)[mask])
    assert table.limit("borda") is None
    with pytest.raises(UnknownName):
        table.limit("bodra")


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_kemeny_refuses_a_temperature_out_of_range(value):
    with pytest.raises(BadValue, match="temperature"):
        kemeny(np.zeros((1, 2, 2)), np.ones((1, 2), dtype=bool), temperature=value)
