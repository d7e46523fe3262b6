"""Sorts against versions for one prompt with loops, their bounds, and what ties do."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from logit_pools import blanked, ordered_pools, pools
from scipy.stats import rankdata

from workbench.aggregation import Scheme, preferences, ranks, stored
from workbench.aggregation.seeds import shuffled

few = settings(max_examples=40, deadline=None)
sorts = pytest.mark.parametrize("name", ["quick_sort", "merge_sort"])


def merged(a, b, D, pairs):
    out = []
    while a and b:
        pairs.add((a[0], b[0]))
        out.append((b if D[a[0], b[0]] < 0 else a).pop(0))
    return out + a + b


def naive_merge_sort(queue, D):
    """Merges runs cut at floor(n t / 2^level), from the shortest runs up."""
    n, pairs = len(queue), set()
    for level in range(max(n - 1, 0).bit_length(), 0, -1):
        cuts = [n * t // 2**level for t in range(2**level + 1)]
        ends = list(zip(cuts[0:-1:2], cuts[1::2], cuts[2::2], strict=True))
        runs = [merged(queue[a:b], queue[b:c], D, pairs) for a, b, c in ends]
        queue = [i for run in runs for i in run]
    return queue, pairs


def naive_quick_sort(queue, D):
    if len(queue) < 2:
        return list(queue), set()
    pivot, *others = queue
    above = [i for i in others if D[i, pivot] > 0]
    below = [i for i in others if i not in above]
    (first, met), (last, more) = naive_quick_sort(above, D), naive_quick_sort(below, D)
    return [*first, pivot, *last], met | more | {(i, pivot) for i in others}


NAIVE = {"quick_sort": naive_quick_sort, "merge_sort": naive_merge_sort}


@sorts
@few
@given(pool=pools(widest=9))
def test_sorts_equal_their_textbook_versions(name, pool):
    L, mask = pool
    keys = np.arange(len(mask)) + 5
    ranked = Scheme.of(name, seed=9).rank(stored(L), mask, keys)
    D = preferences(L, mask)
    order = shuffled(mask, 9, keys.astype(np.uint64))
    for q in range(len(mask)):
        expected, pairs = NAIVE[name]([int(i) for i in order[q] if mask[q, i]], D[q])
        assert ranked.comparisons[q] == 2 * len(pairs)
        found = {(int(i), int(j)) for i, j in np.argwhere(~np.isnan(ranked.logits[q]))}
        assert found == pairs | {(j, i) for i, j in pairs}
        n = len(expected)
        for place, i in enumerate(expected):
            tied = place and D[q, expected[place - 1], i] == 0
            score = ranked.scores[q, expected[place - 1]] if tied else n - 1 - place
            assert ranked.scores[q, i] == score


@sorts
@few
@given(pool=ordered_pools())
def test_a_total_order_is_recovered_exactly(name, pool):
    L, mask, strengths = pool
    found = ranks(Scheme.of(name, seed=3).scores(L, mask, np.arange(len(mask))), mask)
    for row in range(len(mask)):
        expected = rankdata(-strengths[row][mask[row]], method="min")
        np.testing.assert_array_equal(found[row][mask[row]], expected)


@sorts
def test_equals_share_a_rank(name):
    strengths = np.array([[2.0, 1.0, 2.0, 0.0, 1.0, 1.0]])
    L = strengths[:, :, None] - strengths[:, None, :]
    mask = np.ones((1, 6), dtype=bool)
    for seed in range(20):
        found = ranks(Scheme.of(name, seed=seed).scores(L, mask), mask)
        assert found.tolist() == [[1, 3, 1, 6, 3, 3]]


@pytest.mark.parametrize("n", [2, 3, 5, 8, 11, 16])
def test_pairs_stay_within_the_known_bounds(n):
    """A total order for each of many prompts, in columns of no meaning."""
    rng = np.random.default_rng(n)
    strengths = rng.permuted(np.tile(np.arange(n), (400, 1)), axis=1)
    L = (strengths[:, :, None] - strengths[:, None, :]).astype(np.float32)
    mask, keys = np.ones((400, n), dtype=bool), np.arange(400)
    pairs = {
        name: Scheme.of(name).rank(stored(L), mask, keys).comparisons / 2
        for name in ("bubble", "knockout", "quick_sort", "merge_sort")
    }
    assert (pairs["bubble"] == n - 1).all()
    assert (pairs["knockout"] == n - 1).all()
    levels = math.ceil(math.log2(n))
    assert pairs["merge_sort"].max() <= n * levels - 2**levels + 1
    assert pairs["merge_sort"].mean() >= math.log2(math.factorial(n)) - 1e-9
    assert pairs["quick_sort"].max() <= n * (n - 1) / 2
    assert pairs["quick_sort"].min() >= math.log2(n) - 1
    expected = 2 * (n + 1) * sum(1 / m for m in range(1, n + 1)) - 4 * n
    spread = pairs["quick_sort"].std() / 20
    assert abs(pairs["quick_sort"].mean() - expected) <= 4 * spread + 1e-9


@few
@given(pool=pools(widest=8))
def test_a_sort_of_no_order_is_still_an_order_of_all(pool):
    """D that goes in circles: every candidate has a place, and neighbours agree with D."""
    L, mask = pool
    upper = np.triu(np.where(L == 0, 0.125, np.nan_to_num(L)), 1)
    D = preferences(blanked(upper - upper.transpose(0, 2, 1), mask), mask)
    for name in NAIVE:
        scores = Scheme.of(name).scores(D, mask)
        for q in range(len(mask)):
            queue = sorted(np.flatnonzero(mask[q]), key=lambda i, q=q: -scores[q, i])
            for above, below in pairwise(queue):
                assert D[q, above, below] > 0
