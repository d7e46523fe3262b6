import re

import numpy as np
import pytest
from hypothesis import given, settings
from quality_pools import quality_pools, random_pool
from scipy import stats

from workbench.errors import BadValue
from workbench.evaluation import FIGURES, evaluate_system, evaluate_systems
from workbench.evaluation import figures as figures_of_any
from workbench.evaluation.baselines import (
    best_single,
    oracle_scores,
    random_scores,
    single_scores,
)


def case(seed=0, queries=80, width=7, levels=None):
    scores, quality, mask = random_pool(seed, queries, width, levels)
    llm = np.where(mask, np.arange(width), -1)
    means, _ = best_single(quality, llm, mask, width)
    return scores, quality, mask, llm, single_scores(means, llm, mask)


def test_every_figure_is_there_under_its_name():
    scores, quality, mask, llm, single = case()
    found = evaluate_system(
        scores,
        quality,
        mask,
        best_single=single,
        named={"third": llm == 2},
        min_gap=0.5,
        resamples=100,
    )
    assert {re.sub(r"\[.*\]|(?<=>).*", "", name) for name in found} == set(FIGURES)
    assert {"not_worse_than[third]", "pairwise_accuracy>0.5"} <= set(found)
    for figure in found.values():
        assert figure.low <= figure.value <= figure.high


def test_figures_equal_a_loop_over_prompts():
    scores, quality, mask, llm, single = case(3)
    found = evaluate_system(
        scores, quality, mask, best_single=single, named={"third": llm == 2}, resamples=50
    )
    quality_of, beside, oracle, rank, rho, named, pairs = [], [], [], [], [], [], []
    for row in range(len(mask)):
        members = np.flatnonzero(mask[row])
        if not len(members):
            continue
        q, s = quality[row, members], scores[row, members]
        quality_of.append(q[s.argmax()])
        beside.append(q[single[row, members].argmax()])
        oracle.append(q.max())
        if mask[row, 2]:
            named.append(quality_of[-1] >= quality[row, 2])
        if len(members) > 1:
            rank.append((q > quality_of[-1]).sum() + 1)
            rho.append(stats.spearmanr(s, q).statistic)
            pairs += [s[i] > s[j] for i in range(len(q)) for j in range(len(q)) if q[i] > q[j]]
    expected = {
        "quality": np.mean(quality_of),
        "gap_closed": (np.mean(quality_of) - np.mean(beside)) / (np.mean(oracle) - np.mean(beside)),
        "vs_best_single": np.mean(quality_of) - np.mean(beside),
        "not_worse_than_best_single": np.mean(np.array(quality_of) >= np.array(beside)),
        "not_worse_than[third]": np.mean(named),
        "mean_rank": np.mean(rank),
        "competition_rank": np.mean(rank),
        "top3": np.mean(np.array(rank) <= 3),
        "spearman": np.mean(rho),
        "pairwise_accuracy": np.mean(pairs),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value), name
    assert found["quality"].n == len(quality_of)
    assert found["mean_rank"].n == found["spearman"].n == len(rank)
    assert found["not_worse_than[third]"].n == len(named)


def test_systems_evaluated_together_have_the_figures_that_they_have_alone(monkeypatch):
    scores, quality, mask, llm, single = case(7)
    systems = {
        "ranker": scores,
        "oracle": oracle_scores(quality, mask),
        "third": np.where((llm == 2).any(axis=1, keepdims=True), scores, -np.inf),
        "none": np.full(mask.shape, -np.inf),
    }
    options = {"best_single": single, "min_gap": 0.4, "resamples": 60, "seed": 9}
    alone = {
        name: evaluate_system(scores, quality, mask, **options) for name, scores in systems.items()
    }
    assert alone.pop("none") == {}
    for cells in (1 << 24, 2 * len(mask) * len(FIGURES), 1):  # all at once, by two, one by one
        monkeypatch.setattr(figures_of_any, "_TOGETHER_CELLS", cells)
        found = evaluate_systems(systems, quality, mask, **options)
        assert found.keys() == alone.keys()
        for name, figures in alone.items():
            assert {k: (pytest.approx(f.value), f.n) for k, f in figures.items()} == {
                k: (f.value, f.n) for k, f in found[name].items()
            }
            for figure, told in figures.items():
                together = found[name][figure]
                assert (together.low, together.high) == pytest.approx((told.low, told.high))


def test_oracle_and_best_single_stand_where_they_must():
    _, quality, mask, _, single = case(1)
    oracle = evaluate_system(oracle_scores(quality, mask), quality, mask, best_single=single)
    for name in (
        "gap_closed",
        "not_worse_than_best_single",
        "top3",
        "mean_rank",
        "competition_rank",
        "spearman",
        "pearson",
        "kendall",
        "pairwise_accuracy",
    ):
        assert oracle[name].value == pytest.approx(1), name
    assert oracle["footrule"].value == 0
    assert oracle["vs_best_single"].low > 0
    assert oracle["vs_best_single_p"].value < 0.01
    itself = evaluate_system(single, quality, mask, best_single=single)
    assert itself["gap_closed"] == itself["vs_best_single"]
    assert itself["vs_best_single"].high == 0
    assert itself["vs_best_single_p"].value == 1
    assert itself["not_worse_than_best_single"].value == 1


def test_random_is_exact_and_has_no_correlation():
    _, quality, mask, _, single = case(2)
    found = evaluate_system(random_scores(mask), quality, mask, best_single=single)
    n = mask.sum(axis=1)
    rows = n > 0
    assert found["quality"].value == pytest.approx(np.nanmean(quality[rows], axis=1).mean())
    assert found["mean_rank"].value == pytest.approx(((n[n > 1] + 1) / 2).mean())
    assert found["pairwise_accuracy"].value == 0.5
    assert not {"pearson", "spearman", "footrule", "kendall"} & set(found)


@settings(max_examples=40, deadline=None)
@given(pool=quality_pools())
def test_any_pool_gives_finite_figures_or_none(pool):
    scores, quality, mask = pool
    before = scores.copy(), quality.copy(), mask.copy()
    found = evaluate_system(scores, quality, mask, best_single=scores, resamples=20)
    for after, kept in zip((scores, quality, mask), before, strict=True):
        np.testing.assert_array_equal(after, kept)
    assert ("quality" in found) == bool((mask & np.isfinite(quality)).any())
    assert "gap_closed" not in found or found["gap_closed"].value == 0
    assert all(np.isfinite([f.value, f.low, f.high]).all() for f in found.values())


def test_masked_columns_and_unmeasured_candidates_change_nothing():
    scores, quality, mask, _, single = case(4, queries=30)
    expected = evaluate_system(scores, quality, mask, best_single=single, resamples=50)

    def padded(array, value):
        return np.concatenate([array, np.full((30, 2), value)], axis=1)

    masked = evaluate_system(
        padded(scores, np.nan),
        padded(quality, 1e9),
        padded(mask, False),
        best_single=padded(single, np.inf),
        resamples=50,
    )
    unmeasured = evaluate_system(
        padded(scores, 1e9),
        padded(quality, np.nan),
        padded(mask, True),
        best_single=padded(single, 1e9),
        resamples=50,
    )
    for found in (masked, unmeasured):
        assert found.keys() == expected.keys()
        for name, figure in expected.items():
            assert found[name].value == pytest.approx(figure.value), name
            assert found[name].low == pytest.approx(figure.low), name


def test_prompts_that_a_system_does_not_answer_are_none_of_its_figures():
    scores, quality, mask, _, single = case(6)
    answered = np.arange(len(mask)) % 3 > 0
    silent = np.where(answered[:, None], scores, -np.inf)
    options = {"min_gap": 0.3, "resamples": 50}
    found = evaluate_system(silent, quality, mask, best_single=single, **options)
    shown = evaluate_system(
        scores[answered], quality[answered], mask[answered], best_single=single[answered], **options
    )
    assert {name: (f.value, f.n) for name, f in found.items()} == {
        name: (pytest.approx(f.value), f.n) for name, f in shown.items()
    }
    half = np.where(mask & (np.cumsum(mask, axis=1) == 1), -np.inf, scores)
    with pytest.raises(BadValue, match="finite"):
        evaluate_system(half, quality, mask, best_single=single)


def test_a_figure_that_no_prompt_defines_is_not_there():
    quality = np.full((3, 2), 0.1)
    scores, mask = np.array([[1.0, 2.0]] * 3), np.ones((3, 2), dtype=bool)
    found = evaluate_system(scores, quality, mask, best_single=scores, resamples=20)
    assert not {"gap_closed", "pearson", "pairwise_accuracy"} & set(found)
    assert found["quality"].value == 0.1
    assert evaluate_system(scores, quality, ~mask, best_single=scores) == {}


def test_prompts_without_a_pair_to_judge_are_not_counted():
    quality = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]])
    scores, mask = np.array([[1.0, 2.0, 3.0]] * 2), np.ones((2, 3), dtype=bool)
    found = evaluate_system(scores, quality, mask, best_single=scores, resamples=20)
    assert found["pairwise_accuracy"].n == found["spearman"].n == 1
    assert found["mean_rank"].n == 2
    assert found["mean_rank"].value == 1.5


def test_arrays_that_do_not_fit_are_refused():
    scores, quality, mask, llm, single = case(5, queries=4)
    mask[0, 0], quality[0, 0], scores[0, 0], single[0, 0] = True, 1.0, 1.0, 1.0
    with pytest.raises(BadValue, match="shape"):
        evaluate_system(scores[:3], quality, mask, best_single=single)
    with pytest.raises(BadValue, match="shape"):
        evaluate_system(scores, quality[:3], mask, best_single=single)
    with pytest.raises(BadValue, match="shape"):
        evaluate_system(scores, quality, mask, best_single=single[:3])
    with pytest.raises(BadValue, match="named"):
        evaluate_system(scores, quality, mask, best_single=single, named={"x": llm})
    scores[0, 0] = np.nan
    with pytest.raises(BadValue, match=r"score\[0, 0\]"):
        evaluate_system(scores, quality, mask, best_single=single)
