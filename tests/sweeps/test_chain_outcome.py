"""The chain on arrays: its limits are the route alone and the ranking of all, and a naive loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.aggregation import Scheme, prompt_keys
from workbench.errors import BadValue
from workbench.evaluation import pick_quality
from workbench.sweeps.chain_outcome import chain_outcome

SCHEMES = ["max_logits", "max_wins;order=left", "bradley_terry;order=random", "bubble",
           "copeland;schedule=swiss(rounds=2)", "top_k(k=1)"]  # fmt: skip
seeds = st.integers(0, 10_000)
few = settings(max_examples=15, deadline=None)


def arrays(seed, prompts=9, llms=5, ragged=True):
    """Scores of a route, a mask, logits, qualities and costs."""
    rng = np.random.default_rng(seed)
    mask = rng.random((prompts, llms)) > (0.25 if ragged else -1)
    mask[np.arange(prompts), rng.integers(llms, size=prompts)] = True
    logits = rng.normal(size=(prompts, llms, llms)).astype(np.float32)
    logits[:, np.arange(llms), np.arange(llms)] = np.nan
    shape = (prompts, llms)
    return rng.normal(size=shape), mask, logits, rng.normal(size=shape), rng.random(shape)


@few
@given(seeds, st.sampled_from(SCHEMES))
def test_all_llms_are_the_rankers_own_ranking(seed, text):
    route, mask, logits, *_ = arrays(seed, ragged=False)
    keys, scheme = prompt_keys([f"p{n}" for n in range(len(mask))]), Scheme.parse(text)
    found = chain_outcome(route, mask, mask.shape[1], logits, scheme, keys)
    plain = scheme.rank_stored(logits, mask, keys)
    assert np.array_equal(found.scores, plain.scores)
    assert np.array_equal(found.comparisons, plain.comparisons)
    assert found.asked.all()


@few
@given(seeds)
def test_one_llm_is_the_route_alone(seed):
    route, mask, logits, quality, _ = arrays(seed)
    found = chain_outcome(route, mask, 1, logits, Scheme.parse("max_logits"))
    best = np.where(mask, route, -np.inf).argmax(axis=1)
    assert np.array_equal(found.asked, best[:, None] == np.arange(mask.shape[1]))
    assert not found.comparisons.any()
    rows = np.arange(len(mask))
    assert np.array_equal(pick_quality(found.weights(), quality), quality[rows, best])


@few
@given(seeds, st.integers(1, 5))
def test_more_llms_ask_those_of_fewer_and_cost_more(seed, m):
    route, mask, logits, _, costs = arrays(seed)
    scheme = Scheme.parse("max_logits")
    less, more = (chain_outcome(route, mask, n, logits, scheme) for n in (m, m + 1))
    assert (more.asked | ~less.asked).all()
    assert ((more.asked & mask) == more.asked).all()
    assert np.array_equal(less.asked.sum(axis=1), np.minimum(m, mask.sum(axis=1)))
    paid = [np.where(found.asked, costs, 0).sum() for found in (less, more)]
    assert paid[1] >= paid[0]
    n = less.asked.sum(axis=1)
    assert np.array_equal(less.comparisons, n * (n - 1))


@few
@given(seeds)
def test_a_router_that_knows_the_quality_reaches_the_oracle(seed):
    _, mask, _, quality, _ = arrays(seed)
    found = chain_outcome(quality, mask, 1)
    best = np.where(mask, quality, -np.inf).max(axis=1)
    assert np.array_equal(pick_quality(found.weights(), quality), best)


@few
@given(seeds, st.sampled_from(SCHEMES), st.integers(2, 4))
def test_a_naive_loop_over_prompts_finds_the_same(seed, text, m):
    route, mask, logits, *_ = arrays(seed)
    before = [array.copy() for array in (route, mask, logits)]
    keys, scheme = prompt_keys([f"p{n}" for n in range(len(mask))]), Scheme.parse(text)
    found = chain_outcome(route, mask, m, logits, scheme, keys)
    for q in range(len(mask)):
        best_first = sorted(np.flatnonzero(mask[q]), key=lambda n: -route[q, n])
        asked = sorted(best_first[:m])
        own = logits[q][np.ix_(asked, asked)][None]
        alone = scheme.rank_stored(own, np.ones((1, len(asked)), bool), keys[q : q + 1])
        assert np.flatnonzero(found.asked[q]).tolist() == asked
        assert found.scores[q, asked] == pytest.approx(alone.scores[0], abs=1e-6)
        assert np.isneginf(np.delete(found.scores[q], asked)).all()
        assert found.comparisons[q] == alone.comparisons[0]
    for array, then in zip((route, mask, logits), before, strict=True):
        assert np.array_equal(array, then, equal_nan=array.dtype != bool)


def test_of_equal_scores_the_first_llms_are_asked_and_what_is_out_of_reach_never():
    route = np.array([[1.0, 1.0, 1.0, -np.inf]])
    mask = np.array([[False, True, True, True]])
    logits = np.zeros((1, 4, 4), np.float32)
    found = chain_outcome(route, mask, 4, logits, Scheme.parse("max_logits"))
    assert found.asked.tolist() == [[False, True, True, False]]
    assert found.weights().tolist() == [[0, 0.5, 0.5, 0]]
    assert chain_outcome(route, mask, 1).asked.tolist() == [[False, True, False, False]]


def test_what_cannot_be_done_is_refused():
    route, mask, logits, *_ = arrays(0, ragged=False)
    scheme = Scheme.parse("max_logits")
    with pytest.raises(BadValue, match="m = 0"):
        chain_outcome(route, mask, 0, logits, scheme)
    with pytest.raises(BadValue, match="m = 2: expected 1"):
        chain_outcome(route, mask, 2)
    with pytest.raises(BadValue, match="shape of the LLMs' scores"):
        chain_outcome(route[:, :-1], mask, 1)
    logits[0, 0, 1] = logits[0, 1, 0] = np.nan
    with pytest.raises(BadValue, match="not compared"):
        chain_outcome(route, mask, 5, logits, scheme)
