import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import BadValue
from workbench.evaluation import Estimate, mean_estimate, paired_difference, resampling
from workbench.evaluation.bootstrap import Ratio, p_value, ratio_estimate, replicates


@settings(max_examples=60, deadline=None)
@given(
    values=hnp.arrays(
        np.float64, st.integers(1, 12), elements=st.floats(-1e9, 1e9) | st.just(np.nan)
    )
)
def test_the_interval_always_holds_the_value(values):
    known = values[np.isfinite(values)]
    if not len(known):
        with pytest.raises(BadValue):
            mean_estimate(values, resamples=50)
        return
    found = mean_estimate(values, resamples=50)
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(known.mean(), rel=1e-9, abs=1e-6)
    assert found.n == len(known)
    assert known.min() - 1e-6 <= found.low
    assert found.high <= known.max() + 1e-6
    if found.n == 1:
        assert found.low == found.high == found.value


def test_a_lone_sample_beside_the_value_widens_the_interval_to_it():
    values = np.arange(10.0)
    found = [mean_estimate(values, resamples=1, seed=seed) for seed in range(10)]
    assert any(figure.low == figure.value < figure.high for figure in found)
    assert any(figure.low < figure.value == figure.high for figure in found)


@pytest.mark.parametrize("constant", [0.1, -1 / 3, 1e9 / 7])
def test_a_constant_has_an_interval_of_no_width(constant):
    found = mean_estimate(np.full(37, constant), resamples=200)
    assert found.low == found.high == found.value == constant


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """The 95 % interval of 60 skewed values' mean, 200 times: too narrow or too wide both fail."""
    rng = np.random.default_rng(5)
    covered = 0
    for run in range(200):
        found = mean_estimate(rng.gamma(4.0, 0.25, 60), resamples=300, seed=run)
        covered += found.low <= 1.0 <= found.high
    assert 176 <= covered <= 198


def test_ratio_intervals_cover_too():
    rng = np.random.default_rng(6)
    covered = 0
    for run in range(200):
        total = rng.integers(1, 12, 80)
        found = ratio_estimate(rng.binomial(total, 0.7), total, resamples=300, seed=run)
        covered += found.low <= 0.7 <= found.high
    assert 176 <= covered <= 198


def test_p_values_of_no_difference_are_uniform_and_of_a_difference_small():
    rng = np.random.default_rng(7)
    null = [
        paired_difference(rng.normal(size=50), rng.normal(size=50), resamples=200, seed=run).p
        for run in range(200)
    ]
    assert 0.01 < np.mean(np.array(null) < 0.1) < 0.2
    baseline = rng.normal(size=50)
    better = paired_difference(baseline + rng.normal(0.5, 0.5, 50), baseline)
    assert better.p < 0.01
    assert better.estimate.low > 0
    assert paired_difference(baseline, baseline).p == 1


def test_a_difference_is_paired():
    baseline = np.random.default_rng(0).normal(0, 100, 40)
    found = paired_difference(baseline + 1.0, baseline).estimate
    assert found.high - found.low < 1e-9
    assert found.value == pytest.approx(1)


@pytest.mark.parametrize(("n", "least"), [(1, 1.0), (2, 0.5), (5, 1 / 16)])
def test_few_prompts_prove_nothing(n, least):
    assert paired_difference(np.ones(n), np.zeros(n)).p == least


def test_p_value_counts_both_tails():
    assert p_value(np.array([-1.0, 1.0, 1.0, 1.0]), 100) == pytest.approx(0.8)
    assert p_value(np.array([-1.0, -1.0, -1.0, 1.0]), 100) == pytest.approx(0.8)
    assert p_value(np.zeros(4), 100) == 1


def test_replicates_equal_a_loop_over_drawn_prompts():
    rng = np.random.default_rng(1)
    numerator, denominator = rng.random(9), rng.integers(1, 4, 9).astype(float)
    numerator[4] = np.nan
    drawn = replicates({"x": Ratio(numerator, denominator)}, 20, seed=11)["x"]
    picks = np.random.default_rng(11).integers(0, 9, size=(20, 9))
    for sample, pick in enumerate(picks):
        kept = pick[pick != 4]
        expected = numerator[kept].sum() / denominator[kept].sum()
        assert drawn[sample] == pytest.approx(expected)


def test_all_figures_see_the_same_samples():
    values = np.random.default_rng(2).normal(size=30)
    drawn = replicates({"a": Ratio.mean(values), "b": Ratio.mean(values + 2)}, 100)
    np.testing.assert_allclose(drawn["b"] - drawn["a"], 2)


def test_blocks_do_not_change_the_samples(monkeypatch):
    ratio = {"x": Ratio.mean(np.random.default_rng(3).normal(size=25))}
    whole = replicates(ratio, 40, seed=1)["x"]
    monkeypatch.setattr(resampling, "_BLOCK_CELLS", 60)
    for most in (resampling._KEPT_CELLS, 999):  # 1,000 cells: kept, or drawn each time
        monkeypatch.setattr(resampling, "_KEPT_CELLS", most)
        resampling._kept_counts.cache_clear()
        np.testing.assert_allclose(replicates(ratio, 40, seed=1)["x"], whole)
    assert resampling._kept_counts.cache_info().currsize == 0


def test_samples_are_drawn_once_for_all_figures_of_as_many_prompts(monkeypatch):
    drawn, draw = [], resampling._drawn
    monkeypatch.setattr(resampling, "_drawn", lambda *key: drawn.append(key) or draw(*key))
    resampling._kept_counts.cache_clear()
    for values in np.random.default_rng(3).normal(size=(5, 30)):
        mean_estimate(values, seed=3)
    assert len(drawn) == 1
    assert mean_estimate(values, seed=3, resamples=10) != mean_estimate(values, seed=3)
    assert mean_estimate(values, seed=4) != mean_estimate(values, seed=3)
    mean_estimate(values[:-1], seed=3)
    assert len(drawn) == 6


def test_seeds_repeat_and_differ():
    values = np.random.default_rng(4).normal(size=30)
    assert mean_estimate(values, seed=1) == mean_estimate(values, seed=1)
    assert mean_estimate(values, seed=1) != mean_estimate(values, seed=2)


def test_a_wider_level_gives_a_wider_interval():
    values = np.random.default_rng(4).normal(size=30)
    narrow, wide = mean_estimate(values, level=0.5), mean_estimate(values, level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_samples_without_the_figure_are_left_out():
    values = np.full(6, np.nan)
    values[2] = 4.0
    found = mean_estimate(values, resamples=100)
    assert (found.value, found.low, found.high, found.n) == (4.0, 4.0, 4.0, 1)


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(BadValue):
        mean_estimate(np.array([]))
    with pytest.raises(BadValue):
        ratio_estimate(np.zeros(3), np.zeros(3))
    with pytest.raises(BadValue, match="resamples"):
        mean_estimate(np.ones(3), resamples=0)
    with pytest.raises(BadValue, match="level"):
        mean_estimate(np.ones(3), level=95)
    with pytest.raises(BadValue, match="prompts"):
        replicates({"a": Ratio.mean(np.ones(3)), "b": Ratio.mean(np.ones(4))})
    for wrong in ((2.0, 0.0, 1.0, 3), (np.nan, 0.0, 1.0, 3), (1.0, 1.0, 1.0, 0)):
        with pytest.raises(ValueError, match=r"estimate|lies outside"):
            Estimate(*wrong)
