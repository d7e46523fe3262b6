import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import BadValue
from workbench.evaluation import pick_weights
from workbench.evaluation.routing_figures import (
    choice_cost,
    choice_weights,
    entropy_bits,
    evaluate_routes,
    right_choice,
    unchanged,
)

LLMS = ["a", "b", "c"]
REWARDS = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, np.nan], [3.0, 3.0, 3.0], [0.0, np.nan, 1.0]])
COSTS = np.array([[1.0, 2.0, 4.0], [1.0, np.nan, 4.0], [1.0, 2.0, 4.0], [5.0, 2.0, 4.0]])


def test_figures_of_a_route_by_hand():
    choices = np.array([0, 1, 2, -1])
    found = evaluate_routes({"it": choice_weights(choices, 3)}, LLMS, rewards=REWARDS, costs=COSTS)[
        "it"
    ]
    assert {name: round(figure.value, 9) for name, figure in found.items()} == {
        "share[a]": round(1 / 3, 9),
        "share[b]": round(1 / 3, 9),
        "share[c]": round(1 / 3, 9),
        "entropy": round(np.log2(3), 9),
        "cost": 2.5,
        "cost_known": round(2 / 3, 9),
        "accuracy": 1.0,
    }
    assert found["accuracy"].n == found["cost"].n == 2
    assert found["entropy"].n == 3
    assert found["entropy"].low < np.log2(3)


def test_who_asks_nobody_has_no_figures_and_unknown_costs_are_not_free():
    none = choice_weights(np.full(4, -1), 3)
    unknown = choice_weights(np.array([1]), 3)
    assert evaluate_routes({"none": none}, LLMS, rewards=REWARDS, costs=COSTS) == {"none": {}}
    found = evaluate_routes({"it": unknown}, LLMS, costs=np.array([1.0, np.nan, 2.0]))["it"]
    assert "cost" not in found
    assert found["cost_known"].value == 0
    np.testing.assert_array_equal(choice_cost(unknown, COSTS[1:2]), [np.nan])


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.int64, st.integers(1, 20), elements=st.integers(0, 2)),
    st.integers(0, 2**32),
)
def test_shares_sum_to_one_and_entropy_has_its_bounds(choices, seed):
    rng = np.random.default_rng(seed)
    weights = choice_weights(choices, 3)
    rewards = rng.integers(0, 3, weights.shape).astype(float)
    found = evaluate_routes({"it": weights}, LLMS, rewards=rewards, resamples=50)["it"]
    shares = np.array([found[f"share[{llm}]"].value for llm in LLMS])
    assert shares.sum() == pytest.approx(1)
    naive = -sum(p * np.log2(p) for p in shares if p > 0)
    assert found["entropy"].value == pytest.approx(naive, abs=1e-9)
    assert found["entropy"].low >= 0
    assert found["entropy"].high <= np.log2(3) + 1e-9
    told = [
        float(row[choice] == row.max())
        for row, choice in zip(rewards, choices, strict=True)
        if row.max() > row.min()
    ]
    assert ("accuracy" in found) == bool(told)
    if told:
        assert found["accuracy"].value == pytest.approx(np.mean(told))


def test_an_oracle_is_always_right_and_ties_are_shared():
    rng = np.random.default_rng(1)
    rewards = rng.normal(size=(50, 3))
    mask = np.ones(rewards.shape, bool)
    oracle, tied = pick_weights(rewards, mask), pick_weights(np.zeros((50, 3)), mask)
    found = evaluate_routes({"oracle": oracle, "random": tied}, LLMS, rewards=rewards,
                            costs=np.array([1.0, 2.0, 6.0]))  # fmt: skip
    assert found["oracle"]["accuracy"].value == found["oracle"]["accuracy"].low == 1
    assert found["random"]["accuracy"].value == pytest.approx(1 / 3)
    assert found["random"]["cost"].value == pytest.approx(3)
    assert found["random"]["entropy"].value == pytest.approx(np.log2(3))


def test_an_llm_without_a_reward_is_neither_right_nor_wrong():
    np.testing.assert_array_equal(
        right_choice(choice_weights(np.array([1, 2, 0, 1]), 3), REWARDS),
        [0, np.nan, np.nan, np.nan],
    )


def test_robustness_is_the_share_of_unchanged_choices():
    before, after = (choice_weights(np.array(c), 3) for c in ([0, 1, 2, 1], [0, 2, 2, -1]))
    np.testing.assert_array_equal(unchanged(before, after), [1, 0, 1, np.nan])
    found = evaluate_routes({"it": before}, LLMS, perturbed={"it": {"typos": after}})["it"]
    assert found["unchanged[typos]"].value == pytest.approx(2 / 3)
    assert found["unchanged[typos]"].n == 3
    half = np.array([[0.5, 0.5, 0.0]])
    np.testing.assert_allclose(unchanged(half, half[:, [0, 2, 1]]), [0.5])
    np.testing.assert_allclose(unchanged(half, half), [1])


def test_entropy_of_known_distributions():
    rows = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4, [np.nan] * 4])
    np.testing.assert_allclose(entropy_bits(rows), [0, 1, 2, np.nan])


def test_shapes_and_choices_that_do_not_fit_are_named():
    with pytest.raises(BadValue, match="choice = 3"):
        choice_weights(np.array([0, 3]), 3)
    with pytest.raises(BadValue, match="choice = -2"):
        choice_weights(np.array([-2]), 3)
    weights = choice_weights(np.array([0]), 3)
    for options, message in (
        ({"rewards": REWARDS}, "rewards of 'it'"),
        ({"costs": np.ones(2)}, "costs of 'it'"),
        ({"perturbed": {"it": {"typos": weights[:, :2]}}}, "typos of 'it'"),
    ):
        with pytest.raises(BadValue, match=message):
            evaluate_routes({"it": weights}, LLMS, **options)
