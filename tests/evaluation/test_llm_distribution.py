import numpy as np
import pytest

from workbench.errors import BadValue
from workbench.evaluation import best_llm_distribution, pick_weights

LLM = np.array([[0, 1, 2], [2, 1, -1], [1, 1, 0], [-1, -1, -1]])
MASK = LLM >= 0
QUALITY = np.array([[1.0, 5.0, 2.0], [3.0, 3.0, np.nan], [4.0, 4.0, 0.0], [np.nan] * 3])


def test_shares_split_ties_and_sum_to_one():
    shares = best_llm_distribution(pick_weights(QUALITY, MASK), LLM, ["a", "b", "c", "d"])
    assert list(shares) == ["a", "b", "c", "d"]
    np.testing.assert_allclose([share.value for share in shares.values()], [0, 2.5 / 3, 0.5 / 3, 0])
    assert {share.n for share in shares.values()} == {3}
    assert shares["b"].low < shares["b"].value
    assert shares["d"].high == 0


def test_no_prompt_with_a_pick_has_no_distribution():
    empty = np.zeros((2, 3), dtype=bool)
    assert best_llm_distribution(pick_weights(np.zeros((2, 3)), empty), LLM[:2], ["a"]) == {}


def test_an_llm_that_is_not_listed_is_named():
    with pytest.raises(BadValue, match="llm"):
        best_llm_distribution(pick_weights(QUALITY, MASK), LLM, ["a", "b"])
