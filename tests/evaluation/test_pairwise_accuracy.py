from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_pools import quality_pools

from workbench.errors import BadValue
from workbench.evaluation import evaluate_position_bias
from workbench.evaluation.measured import measured
from workbench.evaluation.pairwise import pairwise_counts, position_counts


@settings(max_examples=50, deadline=None)
@given(pool=quality_pools(), min_gap=st.sampled_from([0.0, 0.5, 1.0]))
def test_counts_equal_a_loop_over_pairs(pool, min_gap):
    scores, quality, mask = pool
    known = measured(quality, mask)
    correct, total = pairwise_counts(scores, quality, known, min_gap)
    for row in range(len(mask)):
        right = pairs = 0.0
        for i, j in combinations(np.flatnonzero(known[row]), 2):
            gap = quality[row, i] - quality[row, j]
            if abs(gap) > min_gap:
                pairs += 1
                lead = (scores[row, i] - scores[row, j]) * np.sign(gap)
                right += 1.0 if lead > 0 else 0.5 if lead == 0 else 0.0
        assert (correct[row], total[row]) == (right, pairs)


@pytest.mark.parametrize("gap", [-0.1, float("nan")])
def test_a_negative_gap_is_refused(gap):
    with pytest.raises(BadValue, match="min_gap"):
        pairwise_counts(np.zeros((1, 2)), np.zeros((1, 2)), np.ones((1, 2), dtype=bool), gap)


def test_position_counts_of_known_pairs():
    L = np.full((1, 4, 4), np.nan, dtype=np.float32)
    L[0, 0, 1], L[0, 1, 0] = 3.0, 1.0  # both prefer the left: a flip, bias 2
    L[0, 0, 2], L[0, 2, 0] = 2.0, -2.0  # agreed, no bias
    L[0, 1, 2], L[0, 2, 1] = -1.0, -2.0  # both prefer the right: a flip, bias -1.5
    L[0, 0, 3] = 5.0  # one order only
    mask = np.ones((1, 4), dtype=bool)
    np.testing.assert_allclose(np.ravel(position_counts(L, mask)), [0.5, 3.5, 2, 3])
    mask[0, 1] = False
    np.testing.assert_allclose(np.ravel(position_counts(L, mask)), [0, 0, 0, 1])


def test_position_bias_is_found_where_there_is_one():
    rng = np.random.default_rng(0)
    strength = rng.normal(size=(200, 5))
    L = strength[:, :, None] - strength[:, None, :] + 0.5 + rng.normal(0, 0.1, (200, 5, 5))
    mask = np.ones((200, 5), dtype=bool)
    found = evaluate_position_bias(L, mask)
    assert found["position_bias"].low < 0.5 < found["position_bias"].high
    assert found["position_bias"].high - found["position_bias"].low < 0.05
    assert 0.05 < found["position_flips"].value < 0.5
    assert found["position_bias_abs"].n == 200
    antisymmetric = evaluate_position_bias(L - L.transpose(0, 2, 1), mask)
    assert antisymmetric["position_bias"].value == 0
    assert antisymmetric["position_flips"].high == 0


def test_one_order_alone_tells_no_position_bias():
    L = np.where(np.triu(np.ones((3, 3), dtype=bool), 1), 1.0, np.nan)[None]
    assert evaluate_position_bias(L, np.ones((1, 3), dtype=bool)) == {}
    with pytest.raises(BadValue, match="shape"):
        evaluate_position_bias(L, np.ones((1, 4), dtype=bool))
