"""Which candidates are shown: the best by a score, of equals the smaller id."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from workbench.errors import UnknownName
from workbench.fusion.choosing import ORDERS, in_order, noisy_scores, top_places
from workbench.store.pool import Pool

SHAPE = st.tuples(st.integers(1, 5), st.integers(1, 6))
SCORES = st.sampled_from([np.nan, -np.inf, -1.0, 0.0, 0.5, 2.0, np.inf])


def pool_of(mask, seed=0):
    """A pool whose candidates have ids in no order."""
    ids = np.full(mask.shape, None, object)
    names = np.random.default_rng(seed).permutation(mask.size)
    ids[mask] = [f"id{name:03}" for name in names.reshape(mask.shape)[mask]]
    rows = len(mask)
    llm = np.where(mask, 0, -1)
    return Pool([""] * rows, [""] * rows, [""] * rows, ids, mask, llm, ["a"], llm)


@st.composite
def pools(draw):
    shape = draw(SHAPE)
    mask = draw(arrays.arrays(bool, shape))
    return pool_of(mask), draw(arrays.arrays(float, shape, elements=SCORES))


@settings(max_examples=60, deadline=None)
@given(pools(), st.integers(1, 7))
def test_the_best_by_score_then_id_as_naively(given_pool, top_k):
    pool, scores = given_pool
    for row, places in enumerate(top_places(pool, scores, top_k)):
        known = [n for n in range(scores.shape[1]) if pool.mask[row, n]]
        known = [n for n in known if not np.isnan(scores[row, n])]
        wanted = sorted(known, key=lambda n: (-scores[row, n], pool.candidate_ids[row, n]))
        assert places.tolist() == wanted[:top_k]


@settings(max_examples=30, deadline=None)
@given(pools(), st.integers(1, 6))
def test_a_k_of_its_own_for_each_prompt_takes_the_front_of_more(given_pool, most):
    pool, scores = given_pool
    own = np.random.default_rng(most).integers(1, most + 1, len(scores))
    all_of_them = top_places(pool, scores, most)
    for few, k, many in zip(top_places(pool, scores, own), own, all_of_them, strict=True):
        assert few.tolist() == many[:k].tolist()


def test_orders():
    places, random = np.array([4, 1, 3]), np.random.default_rng(0)
    assert in_order(places, "rank", random).tolist() == [4, 1, 3]
    assert in_order(places, "reversed", random).tolist() == [3, 1, 4]
    mixed = {tuple(in_order(places, "shuffled", random).tolist()) for _ in range(60)}
    assert len(mixed) == 6
    assert all(sorted(some) == [1, 3, 4] for some in mixed)
    assert places.tolist() == [4, 1, 3]
    with pytest.raises(UnknownName, match=", ".join(ORDERS)):
        in_order(places, "up", random)


def test_noise_is_in_spreads_of_the_prompt():
    quality = np.array([[0.0, 1.0, np.nan, 0.5], [0.0, 100.0, 50.0, np.nan], [3.0, 3.0, 3.0, 3.0]])
    draws = np.stack(
        [noisy_scores(quality, 2.0, np.random.default_rng(seed)) - quality for seed in range(4000)]
    )
    spread = np.nanstd(draws, axis=0)
    wanted = 2.0 * np.nanstd(quality, axis=1)
    for row in range(2):
        known = np.isfinite(quality[row])
        np.testing.assert_allclose(spread[row, known], wanted[row], rtol=0.1)
        assert np.isnan(draws[:, row, ~known]).all()
    assert (draws[:, 2] == 0).all()
    np.testing.assert_array_equal(noisy_scores(quality, 0.0, np.random.default_rng(0)), quality)
    missing = noisy_scores(np.full((1, 2), np.nan), 1.0, np.random.default_rng(0))
    assert np.isnan(missing).all()
