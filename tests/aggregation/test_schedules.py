"""Each schedule against a version for one prompt with loops, written from its definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logit_pools import ordered_pools, pools, score

from workbench.aggregation import OUTCOMES, Scheme, preferences, ranks, stored
from workbench.aggregation.bubble import bubble
from workbench.aggregation.seeds import shuffled
from workbench.errors import BadValue

few = settings(max_examples=40, deadline=None)


def queues(mask, seed, keys):
    """The real candidates of each prompt in their drawn order."""
    order = shuffled(mask, seed, keys.astype(np.uint64))
    return [[i for i in row if real[i]] for row, real in zip(order, mask, strict=True)]


@few
@given(pool=pools())
def test_bubble_equals_a_loop_over_its_permutation(pool):
    L, mask = pool
    keys = np.arange(len(mask)) + 5
    scores = Scheme.of("bubble", seed=9).scores(L, mask, keys)
    D = preferences(L, mask)
    for q, queue in enumerate(queues(mask, 9, keys)):
        best = queue[0] if queue else None
        for challenger in queue[1:]:
            if D[q, best, challenger] < 0:
                best = challenger
        assert [i for i in range(L.shape[1]) if scores[q, i] == 1] == [best] * bool(queue)


@few
@given(pool=pools(widest=9))
def test_knockout_equals_a_bracket_played_match_by_match(pool):
    L, mask = pool
    keys = np.arange(len(mask)) + 5
    ranked = Scheme.of("knockout", seed=4).rank(stored(L), mask, keys)
    D = preferences(L, mask)
    for q, queue in enumerate(queues(mask, 4, keys)):
        n = len(queue)
        half = 2 ** math.ceil(math.log2(n)) // 2 if n > 1 else 0
        firsts, seconds = queue[:half], queue[half:]
        alive = [[a, *seconds[m : m + 1]] for m, a in enumerate(firsts)]
        survived, met = dict.fromkeys(queue, 0), 0
        while alive:
            winners = []
            for match in alive:
                met += len(match) - 1
                lost = len(match) == 2 and D[q, match[0], match[1]] < 0
                winners.append(match[1] if lost else match[0])
                survived[winners[-1]] += 1
            pairs = [winners[m : m + 2] for m in range(0, len(winners), 2)]
            alive = pairs if len(winners) > 1 else []
        assert {i: ranked.scores[q, i] for i in queue} == survived
        assert ranked.comparisons[q] == 2 * met == 2 * max(n - 1, 0)


@pytest.mark.parametrize("name", OUTCOMES)
@few
@given(pool=ordered_pools(), seed=st.integers(0, 1000))
def test_the_best_of_transitive_data_is_found_in_any_order(name, pool, seed):
    L, mask, strengths = pool
    found = ranks(score(name, L, mask, seed=seed), mask)
    for row in np.flatnonzero(mask.any(axis=1)):
        best = np.where(mask[row], strengths[row], -1).argmax()
        np.testing.assert_array_equal(np.flatnonzero(found[row] == 1), [best])


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_outcome_names_the_pair_that_it_misses(name):
    L = np.full((2, 3, 3), np.nan, dtype=np.float32)
    L[0] = 1.0
    with pytest.raises(BadValue, match=r"pair \(\d, \d\) of prompt row 1"):
        Scheme(name).scores(L, np.ones((2, 3), dtype=bool))


def test_permutations_depend_on_seed_and_key_and_not_on_the_batch():
    mask = np.ones((40, 6), dtype=bool)
    keys = np.arange(40).astype(np.uint64)
    shared = shuffled(mask, 0, np.zeros(40, np.uint64))
    own = shuffled(mask, 0, keys)
    assert len(np.unique(shared, axis=0)) == 1
    assert len(np.unique(own, axis=0)) > 30
    assert not np.array_equal(own, shuffled(mask, 1, keys))
    np.testing.assert_array_equal(own[::-1], shuffled(mask, 0, keys[::-1]))


def test_a_schedule_is_made_for_prompts_as_they_are():
    """Bubble's first pair is that of the permutation; its generator may be used by hand."""
    mask = np.array([[True, False, True], [False, False, True]])
    first = next(bubble(mask, np.zeros(2, np.uint64)))
    assert first.prompt.tolist() == [0]
    assert {int(first.i[0]), int(first.j[0])} == {0, 2}
