import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue
from workbench.evaluation.strong_weak import (
    evaluate_strong_weak,
    pgr_ratio,
    strong_weak_bounds,
    strong_weak_curve,
)

# RouteLLM's evaluation on the 1,319 test prompts of GSM8K (github.com/lm-sys/RouteLLM,
# routellm/evals/gsm8k, Apache-2.0), gpt-4-1106-preview strong, Mixtral-8x7B-Instruct-v0.1 weak:
# how many prompts both answer rightly, only the strong one, only the weak one, neither.
BOTH, ONLY_STRONG, ONLY_WEAK, NEITHER = 747, 383, 95, 94
GSM8K = np.repeat([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]],
                  [BOTH, ONLY_STRONG, ONLY_WEAK, NEITHER], axis=0).T  # fmt: skip


@st.composite
def pairs(draw):
    """(score, strong, weak): few values, so that ties are common; the strong LLM is better."""
    n = draw(st.integers(1, 12))
    numbers = st.integers(-3, 3)
    score, strong, weak = (
        np.array(draw(st.lists(numbers, min_size=n, max_size=n)), float) for _ in range(3)
    )
    strong[0] += 1 + max(0.0, -(strong - weak).sum())
    return score, strong, weak


def naive_curve(score, strong, weak, seed=None):
    """PGR after 0, 1, … prompts were sent to the strong LLM one by one; ties in a drawn order."""
    rng = np.random.default_rng(seed)
    order = sorted(range(len(score)), key=lambda i: (-score[i], rng.random()))
    points = []
    for calls in range(len(score) + 1):
        sent = set(order[:calls])
        quality = np.mean([strong[i] if i in sent else weak[i] for i in range(len(score))])
        points.append((quality - weak.mean()) / (strong.mean() - weak.mean()))
    return np.array(points)


@settings(max_examples=60, deadline=None)
@given(pairs(), st.randoms(use_true_random=False))
def test_without_ties_the_curve_is_that_of_sending_prompts_one_by_one(pair, random):
    _, strong, weak = pair
    score = np.array(random.sample(range(100), len(strong)), float)
    found = strong_weak_curve(score, strong, weak)
    expected = naive_curve(score, strong, weak)
    np.testing.assert_allclose(found.pgr, expected, atol=1e-9)
    np.testing.assert_allclose(found.share, np.arange(len(strong) + 1) / len(strong))
    np.testing.assert_allclose(
        found.quality, weak.mean() + expected * (strong - weak).mean(), atol=1e-9
    )
    trapezoid = (expected[1:] + expected[:-1]).sum() / 2 / len(strong)
    assert found.apgr == pytest.approx(trapezoid)
    for level in (0.3, 0.5, 1.0):
        calls = next(c for c, pgr in enumerate(expected) if pgr >= level - 1e-9)
        assert found.cpt(level) == pytest.approx(calls / len(strong))


def test_ties_are_the_expectation_over_their_orders():
    score = np.array([2.0, 1, 1, 1, 0, 0])
    strong, weak = np.array([1.0, 1, 0, 1, 1, 1]), np.array([0.0, 1, 1, 0, 0, 1])
    drawn = np.mean([naive_curve(score, strong, weak, seed) for seed in range(4000)], axis=0)
    np.testing.assert_allclose(strong_weak_curve(score, strong, weak).pgr, drawn, atol=0.05)


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_ends_constants_and_bounds(pair):
    score, strong, weak = pair
    bounds = strong_weak_bounds(strong, weak)
    oracle = strong_weak_curve(bounds["oracle"], strong, weak)
    constant = strong_weak_curve(bounds["random"], strong, weak)
    found = strong_weak_curve(score, strong, weak)
    for curve in (oracle, constant, found):
        assert curve.pgr[0] == 0
        assert curve.pgr[-1] == 1
    np.testing.assert_allclose(constant.pgr, constant.share, atol=1e-12)
    assert constant.apgr == pytest.approx(0.5)
    assert constant.cpt(0.5) == pytest.approx(np.ceil(len(score) / 2) / len(score))
    assert (oracle.pgr >= found.pgr - 1e-9).all()
    assert oracle.cpt(0.5) <= found.cpt(0.5) <= found.cpt(0.8)
    # An order and its reverse have areas that add up to 1.
    assert strong_weak_curve(-score, strong, weak).apgr == pytest.approx(1 - found.apgr)


@settings(max_examples=40, deadline=None)
@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_of_prompts_and_monotone_changes_of_the_score_do_not_matter(pair, random):
    score, strong, weak = pair
    shuffled = np.array(random.sample(range(len(score)), len(score)))
    again = strong_weak_curve(np.exp(score)[shuffled], strong[shuffled], weak[shuffled])
    np.testing.assert_allclose(again.pgr, strong_weak_curve(score, strong, weak).pgr, atol=1e-9)


def test_a_curve_that_falls_again_is_scanned_from_the_left():
    strong, weak = np.array([1.0, 1, 0, 1]), np.array([0.0, 0, 1, 0])
    curve = strong_weak_curve(np.array([4.0, 3, 2, 1]), strong, weak)
    np.testing.assert_allclose(curve.pgr, [0, 0.5, 1, 0.5, 1])
    assert curve.cpt(0.75) == 0.5
    assert np.isnan(curve.cpt(1.5))
    found = evaluate_strong_weak({"it": curve.share[4:0:-1]}, strong, weak, levels=(1.0, 1.5))
    assert set(found["it"]) == {"apgr", "cpt100"}


def test_samples_have_curves_of_their_own():
    """The bootstrap against curves of prompts that are really drawn."""
    rng = np.random.default_rng(3)
    score = rng.integers(0, 6, 25).astype(float)
    strong = rng.random(25)
    weak = strong - rng.normal(0.15, 0.5, 25)
    found = evaluate_strong_weak({"it": score}, strong, weak, resamples=300, seed=9)["it"]
    drawn = np.random.default_rng(9).integers(0, 25, size=(300, 25))
    better = [rows for rows in drawn if strong[rows].sum() > weak[rows].sum()]
    assert 0 < len(better) < 300
    curves = [strong_weak_curve(score[rows], strong[rows], weak[rows]) for rows in better]
    assert found["apgr"].n == 25
    for name, values in (
        ("apgr", [curve.apgr for curve in curves]),
        ("cpt50", [curve.cpt(0.5) for curve in curves]),
        ("cpt80", [curve.cpt(0.8) for curve in curves]),
    ):
        low, high = np.quantile(values, [0.025, 0.975])
        assert found[name].low == pytest.approx(min(low, found[name].value))
        assert found[name].high == pytest.approx(max(high, found[name].value))


def test_on_real_results_random_is_one_half_and_the_oracle_above_one():
    strong, weak = GSM8K
    noise = np.random.default_rng(0).random(len(strong))
    bounds = strong_weak_bounds(strong, weak)
    found = evaluate_strong_weak({**bounds, "noise": noise}, strong, weak, resamples=500)
    assert found["random"]["apgr"].value == pytest.approx(0.5)
    assert found["random"]["apgr"].high - found["random"]["apgr"].low < 1e-9
    assert found["noise"]["apgr"].low < 0.5 < found["noise"]["apgr"].high
    assert found["noise"]["apgr"].high - found["noise"]["apgr"].low > 0.02
    assert found["oracle"]["apgr"].low > 1
    # In closed form, with the shares a and b of prompts that only one of the two answers.
    a, b = ONLY_STRONG / len(strong), ONLY_WEAK / len(strong)
    assert found["oracle"]["apgr"].value == pytest.approx((a - (a * a + b * b) / 2) / (a - b))
    # Half of the gap needs half as many calls as prompts that it is made of.
    assert found["oracle"]["cpt50"].value == pytest.approx((ONLY_STRONG - ONLY_WEAK) / 2
                                                           / len(strong))  # fmt: skip
    assert found["random"]["cpt80"].value == pytest.approx(np.ceil(0.8 * 1319) / 1319)


def test_prompts_without_both_qualities_are_left_out():
    score, strong, weak = (
        np.arange(5.0),
        np.array([1, np.nan, 1, 1, 0]),
        np.array([0, 0, 0, 1, 0.0]),
    )
    score[1] = np.nan
    kept = [0, 2, 3, 4]
    found = strong_weak_curve(score, strong, weak)
    np.testing.assert_array_equal(
        found.pgr, strong_weak_curve(score[kept], strong[kept], weak[kept]).pgr
    )
    assert evaluate_strong_weak({"it": score}, strong, weak)["it"]["apgr"].n == 4


def test_pgr_of_choices_that_are_made():
    strong, weak = np.array([1.0, 1, np.nan, 0.5]), np.array([0.0, 0.5, 0, 0.5])
    assert pgr_ratio(strong, strong, weak).value == 1
    assert pgr_ratio(weak, strong, weak).value == 0
    assert pgr_ratio(np.array([1, 0.5, 9, 0.5]), strong, weak).value == pytest.approx(1 / 1.5)


@pytest.mark.parametrize(
    ("score", "strong", "weak", "message"),
    [
        ([1.0, 2.0], [1.0, 1.0], [0.0], "shapes"),
        ([1.0, np.inf], [1.0, 1.0], [0.0, 0.0], r"score\[1\]"),
        ([1.0, 2.0], [0.0, 1.0], [1.0, 0.0], "strong LLM that is better"),
        ([1.0], [np.nan], [0.0], "at least one prompt"),
    ],
)
def test_what_has_no_curve_is_refused(score, strong, weak, message):
    arrays = [np.array(values) for values in (score, strong, weak)]
    with pytest.raises(BadValue, match=message):
        strong_weak_curve(*arrays)


def test_a_level_that_is_no_level_is_refused():
    with pytest.raises(BadValue, match="level of PGR = 0"):
        evaluate_strong_weak({"it": np.zeros(2)}, np.ones(2), np.zeros(2), levels=(0,))
