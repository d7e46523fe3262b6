import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from workbench.errors import BadValue
from workbench.evaluation.subset_ranks import evaluate_subsets

SUBSETS = ["x", "x", "y", "y", "z", ""]
SYSTEMS = {
    "a": np.array([1.0, 0, 1, 1, 0, 9]),
    "b": np.array([0.0, 1, 1, 0, 1, 9]),
    "c": np.array([0.0, 0, 0, 1, 1, 9]),
}


def test_ranks_and_uplift_by_hand():
    found = evaluate_subsets(SYSTEMS, SUBSETS, SYSTEMS["b"])
    # Means: x 0.5 0.5 0; y 1 0.5 0.5; z 0 1 1.
    assert found["a"]["mtr"].value == pytest.approx((1.5 + 1 + 3) / 3)
    assert found["b"]["mtr"].value == pytest.approx((1.5 + 2.5 + 1.5) / 3)
    assert found["c"]["mtr"].value == pytest.approx((3 + 2.5 + 1.5) / 3)
    assert {name: round(of["uplift"].value, 9) for name, of in found.items()} == {
        "a": round(1 / 3, 9), "b": 0.0, "c": 0.0,
    }  # fmt: skip
    assert {of["mtr"].n for of in found.values()} == {5}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_values_and_intervals_equal_a_loop_over_drawn_prompts(seed):
    rng = np.random.default_rng(seed)
    values = {name: rng.integers(0, 3, 12).astype(float) for name in "abcd"}
    subsets = [f"s{i}" for i in rng.integers(0, 3, 12)]
    found = evaluate_subsets(values, subsets, values["a"], resamples=30, seed=5)

    def naive(rows):
        ranks, above = [], []
        for name in sorted({subsets[i] for i in rows}):
            inside = [i for i in rows if subsets[i] == name]
            means = np.array([v[inside].mean() for v in values.values()]).round(9)
            ranks.append(rankdata(-means))
            above.append(means > means[0])
        return np.mean(ranks, axis=0), np.mean(above, axis=0)

    drawn = np.random.default_rng(5).integers(0, 12, size=(30, 12))
    samples = [naive(rows) for rows in drawn]
    for place, name in enumerate("abcd"):
        for figure, which in (("mtr", 0), ("uplift", 1)):
            value = naive(range(12))[which][place]
            low, high = np.quantile([s[which][place] for s in samples], [0.025, 0.975])
            assert found[name][figure].value == pytest.approx(value)
            assert found[name][figure].low == pytest.approx(min(low, value))
            assert found[name][figure].high == pytest.approx(max(high, value))


def test_means_are_over_the_prompts_that_all_have():
    systems = {"a": np.array([1.0, 0, 1]), "b": np.array([0.5, np.nan, 0.0])}
    found = evaluate_subsets(systems, ["x", "x", "y"], systems["b"])
    assert found["a"]["mtr"].value == found["a"]["uplift"].value == 1
    assert found["a"]["mtr"].n == 2
    assert evaluate_subsets(systems, ["", "x", ""], systems["b"]) == {}


def test_systems_that_are_alike_share_the_middle_rank():
    same = np.random.default_rng(0).random(9)
    found = evaluate_subsets({"a": same, "b": same.copy(), "c": same - 1}, ["x"] * 9, same)
    assert found["a"]["mtr"].low == found["a"]["mtr"].high == 1.5
    assert found["a"]["uplift"].high == 0


def test_lengths_that_differ_are_named():
    with pytest.raises(BadValue, match="'a'"):
        evaluate_subsets({"a": np.ones(2)}, ["x"], np.ones(1))
    with pytest.raises(BadValue, match="'BestSingle'"):
        evaluate_subsets({"a": np.ones(1)}, ["x"], np.ones(2))
