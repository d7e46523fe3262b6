import numpy as np
import pytest

from workbench.ranking.validation import PickValidation

NAN = np.nan
QUALITY = np.array([[1.0, 3.0, 2.0], [5.0, 4.0, NAN]])
LLM = np.array([[0, 1, 2], [0, 1, -1]])


def logits_of(scores):
    scores = np.asarray(scores)
    return (scores[:, :, None] - scores[:, None, :]).astype(np.float32)


def test_numbers_by_hand():
    metrics = PickValidation(QUALITY, LLM).metrics(logits_of([[0, 1, 2], [2, 1, 9]]))
    assert metrics["quality"] == pytest.approx((2 + 5) / 2)  # never the unmeasured one
    assert metrics["oracle"] == pytest.approx(4)
    assert metrics["best_single"] == pytest.approx(3.5)  # LLM 1; LLM 2 answered only half
    assert metrics["gap_closed"] == pytest.approx(0)
    assert metrics["pairwise_accuracy"] == pytest.approx(3 / 4)


def test_perfect_and_reversed_rankers():
    quality = np.random.default_rng(0).random((20, 4))
    llm = np.tile(np.arange(4), (20, 1))
    best = PickValidation(quality, llm).metrics(logits_of(quality))
    assert best["quality"] == pytest.approx(best["oracle"])
    assert best["gap_closed"] == pytest.approx(1)
    assert best["pairwise_accuracy"] == 1
    worst = PickValidation(quality, llm).metrics(logits_of(-quality))
    assert worst["pairwise_accuracy"] == 0
    assert worst["quality"] == pytest.approx(quality.min(axis=1).mean())


def test_one_order_is_enough_and_no_preference_counts_half():
    logits = logits_of(np.nan_to_num(QUALITY))
    logits[:, [0, 0, 1], [1, 2, 2]] = NAN
    assert PickValidation(QUALITY, LLM).metrics(logits)["pairwise_accuracy"] == 1
    assert PickValidation(QUALITY, LLM).metrics(0 * logits)["pairwise_accuracy"] == 0.5


def test_logits_that_are_no_numbers_give_no_accuracy():
    logits = np.full((2, 3, 3), NAN, np.float32)
    assert np.isnan(PickValidation(QUALITY, LLM).metrics(logits)["pairwise_accuracy"])


def test_best_single_is_the_one_of_the_evaluation():
    """LLM 2 is superb on one prompt of three: no number to be measured against."""
    quality = np.array([[1.0, 2.0, 9.0], [1.0, 2.0, NAN], [1.0, 2.0, NAN]])
    llm = np.array([[0, 1, 2], [0, 1, -1], [0, 1, -1]])
    logits = logits_of(np.zeros((3, 3)))
    assert PickValidation(quality, llm).metrics(logits)["best_single"] == 2
    # Where no LLM has half of the prompts, it is still the mean of one of them.
    spread = np.array([[0.2], [0.4], [0.9]])
    alone = PickValidation(spread, np.array([[0], [1], [2]])).metrics(logits_of(np.zeros((3, 1))))
    assert alone["best_single"] == 0.9
