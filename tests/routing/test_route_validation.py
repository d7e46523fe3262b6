"""What a validation of routers says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.routing.validation import RouteValidation

NAN = float("nan")
REWARDS = np.array([[1.0, 0.0, 0.6], [0.0, 1.0, 0.6], [0.2, 0.2, 0.2], [NAN, 0.4, 0.8]])


def test_by_hand():
    utilities = np.array([[3.0, 1, 2], [3, 1, 2], [0, 0, 0], [9, 1, 2]])
    found = RouteValidation(REWARDS).metrics(utilities)
    # It takes llm 0 twice, anyone, and llm 2, for llm 0 is not measured on the last.
    assert found["quality"] == pytest.approx((1.0 + 0.0 + 0.2 + 0.8) / 4)
    assert found["oracle"] == pytest.approx((1.0 + 1.0 + 0.2 + 0.8) / 4)
    assert found["best_single"] == pytest.approx((0.6 + 0.6 + 0.2 + 0.8) / 4)
    assert found["gap_closed"] == pytest.approx((0.5 - 0.55) / (0.75 - 0.55))
    assert found["accuracy"] == pytest.approx(2 / 3)  # of the three on which rewards differ


def test_ties_are_shared():
    found = RouteValidation(REWARDS[:1]).metrics(np.zeros((1, 3)))
    assert found["quality"] == pytest.approx(1.6 / 3)
    assert found["accuracy"] == pytest.approx(1 / 3)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float64, (6, 3), elements=st.sampled_from([0.0, 0.3, 1.0, NAN])),
    arrays(np.float64, (6, 3), elements=st.floats(-3, 3)),
    st.permutations(range(6)),
    st.permutations(range(3)),
)
def test_the_order_of_prompts_and_llms_does_not_matter(rewards, utilities, rows, columns):
    found = RouteValidation(rewards).metrics(utilities)
    other = RouteValidation(rewards[rows][:, columns]).metrics(utilities[rows][:, columns])
    assert found == pytest.approx(other, nan_ok=True)
    if np.isfinite(rewards).any():
        assert found["quality"] <= found["oracle"] + 1e-12


def test_the_rewards_as_utilities_are_the_oracle():
    found = RouteValidation(REWARDS).metrics(np.nan_to_num(REWARDS, nan=-1.0))
    assert found["quality"] == pytest.approx(found["oracle"])
    assert found["gap_closed"] == found["accuracy"] == pytest.approx(1.0)


def test_a_prompt_without_rewards_or_not_looked_at_is_left_out():
    utilities = np.array([[3.0, 1, 2], [1, 3, 2], [0, 0, 0], [9, 1, 2]])
    expected = RouteValidation(REWARDS[:2]).metrics(utilities[:2])
    unmeasured = np.vstack([REWARDS[:2], np.full((2, 3), NAN)])
    assert RouteValidation(unmeasured).metrics(utilities) == pytest.approx(expected)
    unseen = np.where(np.arange(4)[:, None] < 2, utilities, NAN)
    assert RouteValidation(REWARDS).metrics(unseen) == pytest.approx(expected)
    nothing = RouteValidation(REWARDS).metrics(np.full((4, 3), NAN))
    assert set(nothing) == set(expected)
    assert np.isnan(list(nothing.values())).all()


def test_best_single_is_no_llm_that_is_hardly_measured():
    rewards = np.array([[0.5, NAN], [0.5, NAN], [0.5, NAN], [0.5, 1.0]])
    assert RouteValidation(rewards).metrics(np.zeros((4, 2)))["best_single"] == 0.5


def test_where_all_tie_everywhere():
    found = RouteValidation(np.full((2, 3), 0.7)).metrics(np.eye(2, 3))
    assert found["quality"] == found["oracle"] == found["best_single"] == pytest.approx(0.7)
    assert found["gap_closed"] == 0.0
    assert np.isnan(found["accuracy"])
