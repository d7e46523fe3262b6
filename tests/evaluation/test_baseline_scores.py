import numpy as np
import pytest

from workbench.errors import BadValue
from workbench.evaluation import pick_quality, pick_weights
from workbench.evaluation.baselines import (
    best_single,
    longest_scores,
    oracle_scores,
    random_scores,
    single_scores,
)

NAN = np.nan
LLM = np.array([[0, 1, 2], [2, 0, -1], [1, 1, 0]])
MASK = LLM >= 0
QUALITY = np.array([[1.0, 2.0, 9.0], [NAN, 3.0, 100.0], [4.0, 6.0, 2.0]])


def test_best_single_leaves_out_what_was_not_measured():
    means, best = best_single(QUALITY, LLM, MASK, 4)
    np.testing.assert_allclose(means, [2.0, 4.0, 9.0, NAN])
    assert best == 2


def test_single_scores_pick_the_best_llm_that_there_is():
    values = np.array([2.0, 4.0, 9.0, NAN])
    scores = single_scores(values, LLM, MASK)
    weights = pick_weights(scores, MASK)
    np.testing.assert_array_equal(weights, [[0, 0, 1], [1, 0, 0], [0.5, 0.5, 0]])
    assert scores[1, 2] == -np.inf


@pytest.mark.parametrize("shift", [0.0, -1e6, 1e20])
def test_an_llm_without_a_value_comes_last(shift):
    scores = single_scores(np.array([1.0, NAN, 2.0]) + shift, LLM, MASK)
    assert np.isfinite(scores[MASK]).all()
    assert scores[0, 1] < scores[0].max()
    assert pick_weights(scores, MASK)[0, 1] == 0


def test_oracle_picks_the_best_and_nothing_unmeasured():
    weights = pick_weights(oracle_scores(QUALITY, MASK), MASK & np.isfinite(QUALITY))
    np.testing.assert_array_equal(pick_quality(weights, QUALITY), [9.0, 3.0, 6.0])


def test_random_without_a_seed_is_the_expectation_of_random_picks():
    quality = np.where(MASK, np.nan_to_num(QUALITY), NAN)
    exact = pick_quality(pick_weights(random_scores(MASK), MASK), quality)
    drawn = [
        pick_quality(pick_weights(random_scores(MASK, seed), MASK), quality) for seed in range(400)
    ]
    np.testing.assert_allclose(np.mean(drawn, axis=0), exact, atol=0.6)
    np.testing.assert_array_equal(random_scores(MASK, 3), random_scores(MASK, 3))
    assert (random_scores(MASK, 3)[~MASK] == -np.inf).all()


def test_longest_picks_the_longest():
    length = np.array([[3, 9, 4], [5, 1, 99], [2, 2, 1]])
    np.testing.assert_array_equal(
        pick_weights(longest_scores(length, MASK), MASK), [[0, 1, 0], [1, 0, 0], [0.5, 0.5, 0]]
    )


def test_nothing_measured_and_bad_indices_are_named():
    with pytest.raises(BadValue, match="measured"):
        best_single(np.full((1, 2), NAN), np.zeros((1, 2), dtype=int), np.ones((1, 2), bool), 1)
    with pytest.raises(BadValue, match="llm"):
        best_single(QUALITY, LLM, MASK, 2)
    with pytest.raises(BadValue, match="llm"):
        single_scores(np.array([1.0, 2.0]), LLM, MASK)
    with pytest.raises(BadValue, match="values"):
        single_scores(np.full(3, NAN), LLM, MASK)
