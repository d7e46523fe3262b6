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
    # LLM 2 has the highest quality of all, but on one prompt of three.
    np.testing.assert_allclose(means, [2.0, 4.0, NAN, NAN])
    assert best == 1


@pytest.mark.parametrize(("answered", "best"), [(4, 0), (5, 1)])
def test_one_lucky_answer_makes_no_best_single(answered, best):
    """LLM 1 is better where it answers; half of the ten prompts must be measured."""
    quality = np.tile([0.5, 0.9], (10, 1))
    quality[answered:, 1] = NAN
    mask = np.ones((10, 2), bool)
    assert best_single(quality, np.tile([0, 1], (10, 1)), mask, 2)[1] == best


def test_candidates_of_one_prompt_count_as_one_prompt():
    quality = np.array([[0.5, 0.9, 0.9, 0.9], *[[0.5, NAN, NAN, NAN]] * 3])
    llm = np.tile([0, 1, 1, 1], (4, 1))
    assert best_single(quality, llm, np.ones((4, 4), bool), 2)[1] == 0


def test_where_no_llm_has_half_of_the_prompts_the_best_covered_set_the_bar():
    # Prompts 0-3 have LLM 0, 4-5 LLM 1, 6-8 LLM 2 and 9 LLM 3: at least 2 are asked for.
    llm = np.array([0] * 4 + [1] * 2 + [2] * 3 + [3])[:, None]
    quality = np.array([0.1, 0.7, 0.3, 0.9])[llm]
    means, best = best_single(quality, llm, np.ones((10, 1), bool), 4)
    np.testing.assert_allclose(means, [0.1, 0.7, 0.3, NAN])
    assert best == 1


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
