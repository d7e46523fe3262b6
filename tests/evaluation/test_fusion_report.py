import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_pools import quality_pools, random_pool

from workbench.errors import BadValue
from workbench.evaluation import (
    FUSION_FIGURES,
    Fused,
    evaluate_fusions,
    evaluate_system,
    pick_quality,
    pick_weights,
)
from workbench.evaluation.answer_measures import answer_in_top, answer_rank, chance_above
from workbench.evaluation.measured import measured
from workbench.evaluation.pick_measures import at_least_as_good, pick_in_top, pick_rank
from workbench.evaluation.picks import top_k_best

FEW = {"resamples": 60}
SHARED = ("quality", "gap_closed", "vs_best_single", "vs_best_single_p", "top3", "mean_rank",
          "competition_rank", "not_worse_than_best_single")  # fmt: skip


def case(seed=0, queries=60, width=6, k=3):
    """(scores, quality, mask, BestSingle's scores, shown): the top k by score are shown."""
    scores, quality, mask = random_pool(seed, queries, width)
    mask[:, 0] = True
    quality[:, 0], scores[:, 0] = 0.1, 0.1
    single = np.where(mask, -np.arange(width, dtype=float), -np.inf)
    return scores, quality, mask, single, pick_weights(scores, mask, k) > 0


def picked(scores, quality, mask):
    return pick_quality(pick_weights(scores, measured(quality, mask)), quality)


def evaluated(fused, quality, mask, single, **options):
    given = FEW | options
    return evaluate_fusions({"it": fused}, quality, mask, best_single=single, **given)["it"]


def test_every_figure_is_there_under_its_name():
    scores, quality, mask, single, shown = case()
    values = picked(scores, quality, mask) + 0.1
    fused = Fused(values, shown, scores, {"random_k": values - 1}, {"tokens_out": values**2})
    third = np.zeros(mask.shape, bool)
    third[:, 2] = mask[:, 2]
    length = np.full(mask.shape, 7)
    found = evaluated(fused, quality, mask, single, named={"third": third}, length=length)
    own = {"vs_random_k", "vs_random_k_p", "tokens_out", "characters_of_pick"}
    assert {re.sub(r"\[.*\]", "", name) for name in found} == set(FUSION_FIGURES) | own
    assert {"not_worse_than[third]", "better_than[third]"} <= set(found)
    assert found["vs_random_k"].value == pytest.approx(1)
    assert found["vs_random_k"].low == pytest.approx(found["vs_random_k"].high)
    assert found["characters_of_pick"].value == 7
    assert found["tokens_out"].value == pytest.approx((values**2).mean())
    assert all(f.low <= f.value <= f.high for f in found.values())


def test_figures_equal_a_loop_over_prompts():
    scores, quality, mask, single, shown = case(3)
    values = picked(scores, quality, mask) + np.random.default_rng(0).normal(size=len(mask))
    found = evaluated(Fused(values, shown, scores), quality, mask, single)
    told: dict[str, list[float]] = {name: [] for name in FUSION_FIGURES}
    for row, value in enumerate(values):
        q, s = quality[row], np.where(mask[row], scores[row], -np.inf)
        pick, best = q[s.argmax()], q[shown[row]].max()
        for name, other in (("pick", pick), ("best_shown", best), ("best_single", q[0])):
            told[f"vs_{name}"].append(value - other)
            told[f"better_than_{name}"].append(value > other)
            told[f"not_worse_than_{name}"].append(value >= other)
        told["quality"].append(value)
        told["quality_of_pick"].append(pick)
        told["quality_of_best_shown"].append(best)
        if mask[row].sum() > 1:
            told["mean_rank"].append((q[mask[row]] > value).sum() + 1)
            told["top3"].append((q[mask[row]] > value).sum() < 3)
    for name, values_of in told.items():
        if values_of:
            assert found[name].value == pytest.approx(np.mean(values_of)), name
            assert found[name].n == len(values_of)
    gap = np.nanmax(np.where(mask, quality, np.nan), axis=1) - quality[:, 0]
    assert found["gap_closed"].value == pytest.approx(np.sum(values - quality[:, 0]) / np.sum(gap))


@settings(max_examples=50, deadline=None)
@given(pool=quality_pools())
def test_a_fusion_that_copies_the_pick_has_the_figures_of_the_pick(pool):
    scores, quality, mask = pool
    pool_of = measured(quality, mask)
    values = picked(scores, quality, mask)
    found = evaluate_fusions(
        {"it": Fused(values, mask, scores)}, quality, mask, best_single=scores, **FEW
    ).get("it", {})
    if not np.isfinite(values).any():
        assert found == {}
        return
    assert found["vs_pick"].value == found["vs_pick"].low == found["vs_pick"].high == 0
    assert found["vs_pick_p"].value == 1
    assert found["quality"] == found["quality_of_pick"]
    # Prompts with one best candidate: there a copy has every figure that the pick has.
    certain = (pick_weights(scores, pool_of).max(axis=1) == 1)[:, None] & pool_of
    options = {"best_single": scores} | FEW
    alone = evaluate_system(np.where(certain, scores, -np.inf), quality, certain, **options)
    copy = Fused(np.where(certain.any(axis=1), values, np.nan), mask, scores)
    copied = evaluate_fusions({"it": copy}, quality, certain, **options).get("it", {})
    assert {name: copied.get(name) for name in SHARED} == {name: alone.get(name) for name in SHARED}


@settings(max_examples=50, deadline=None)
@given(pool=quality_pools(), data=st.data())
def test_the_copy_of_any_candidate_stands_where_the_candidate_stands(pool, data):
    _, quality, mask = pool
    pool_of = measured(quality, mask)
    one = np.array([data.draw(st.integers(0, mask.shape[1] - 1)) for _ in mask])
    weights = (np.arange(mask.shape[1]) == one[:, None]) & pool_of
    values = pick_quality(weights.astype(float), quality)
    answered = weights.any(axis=1)
    for mine, theirs in (
        (answer_rank(values, quality, pool_of), pick_rank(weights, quality, pool_of)),
        (answer_in_top(values, quality, pool_of, 2), pick_in_top(weights, quality, pool_of, 2)),
        (
            chance_above(values, pick_weights(quality, pool_of), quality, ties=True),
            at_least_as_good(weights, pick_weights(quality, pool_of), quality, pool_of),
        ),
    ):
        np.testing.assert_array_equal(mine[answered], theirs[answered])
        assert np.isnan(mine[~answered]).all()


def test_the_place_of_an_answer_is_behind_those_that_are_better():
    quality = np.array([[3.0, 2.0, 2.0, np.nan]] * 5)
    values = np.array([4.0, 3.0, 2.0, 1.0, np.nan])
    pool = np.isfinite(quality)
    np.testing.assert_array_equal(answer_rank(values, quality, pool), [1, 1, 2.5, 4, np.nan])
    np.testing.assert_array_equal(answer_in_top(values, quality, pool), [1, 1, 1, 0, np.nan])
    assert np.isnan(answer_rank(values, quality, pool & (quality > 2.5))).all()


@pytest.mark.parametrize("k", [1, 2, 6])
def test_a_fusion_as_good_as_the_best_shown_closes_the_gap_as_far_as_the_oracle_of_k(k):
    scores, quality, mask, single, shown = case(5, k=k)
    values = top_k_best(scores, quality, mask, k)
    found = evaluated(Fused(values, shown, scores), quality, mask, single)
    assert found["vs_best_shown"].low == found["vs_best_shown"].high == 0
    assert found["better_than_best_shown"].value == 0
    assert found["not_worse_than_best_shown"].value == 1
    oracle = np.where(mask, quality, -np.inf).max(axis=1)
    beside = picked(single, quality, mask)
    assert found["gap_closed"].value == pytest.approx(
        (values - beside).sum() / (oracle - beside).sum()
    )
    assert (found["gap_closed"].value == pytest.approx(1)) == (k == 6)
    better = evaluated(Fused(oracle + 1, shown, scores), quality, mask, single)
    assert better["gap_closed"].value > 1
    assert better["mean_rank"].value == better["top3"].value == 1


def test_of_random_candidates_the_pick_is_a_random_one():
    _, quality, mask, single, shown = case(6)
    values = np.nanmean(np.where(mask, quality, np.nan), axis=1)
    found = evaluated(Fused(values, shown, np.where(mask, 0.0, -np.inf)), quality, mask, single)
    assert found["vs_pick"].value == pytest.approx(0, abs=1e-12)
    share = np.mean([(values[i] > quality[i, mask[i]]).mean() for i in range(len(mask))])
    assert found["better_than_pick"].value == pytest.approx(share)


def test_the_order_of_prompts_does_not_matter():
    scores, quality, mask, single, shown = case(7)
    fused = Fused(picked(scores, quality, mask) + 0.2, shown, scores, {}, {"n": quality[:, 0]})
    turned = np.random.default_rng(1).permutation(len(mask))
    there = evaluated(fused, quality, mask, single)
    then = evaluated(fused.subset(turned), quality[turned], mask[turned], single[turned])
    assert there.keys() == then.keys()
    for name in there:
        if not name.endswith("_p"):
            assert then[name].value == pytest.approx(there[name].value), name
        assert then[name].n == there[name].n


def test_prompts_without_a_fusion_a_pick_or_a_measured_candidate_count_where_they_can():
    scores, quality, mask, single, shown = case(8, queries=40)
    values = picked(scores, quality, mask) + 0.3
    values[:5] = np.nan
    scores[5:12] = np.nan  # not ranked
    quality[12:15][shown[12:15]] = np.nan  # nothing that was shown is measured
    found = evaluated(Fused(values, shown, scores), quality, mask, single)
    assert found["quality"].n == 35
    assert found["vs_pick"].n == found["better_than_pick"].n == found["quality_of_pick"].n
    assert found["vs_pick"].n <= 28
    assert found["vs_best_shown"].n == found["quality_of_best_shown"].n == 32
    none = evaluated(Fused(values, shown, None), quality, mask, single)
    assert not any("pick" in name for name in none)
    nothing = Fused(np.full(len(mask), np.nan), shown, scores)
    assert evaluate_fusions({"it": nothing}, quality, mask, best_single=single, **FEW) == {}


def test_fusions_evaluated_together_are_as_alone_and_paired_with_systems():
    scores, quality, mask, single, shown = case(9)
    values = picked(scores, quality, mask)
    fusions = {"a": Fused(values, shown, scores), "b": Fused(values - 0.1, mask, None)}
    found = evaluate_fusions(fusions, quality, mask, best_single=single, seed=4, **FEW)
    for name, fused in fusions.items():
        alone = evaluated(fused, quality, mask, single, seed=4)
        assert alone.keys() == found[name].keys()
        for figure, told in alone.items():
            assert (told.low, told.high) == pytest.approx(
                (found[name][figure].low, found[name][figure].high)
            )
    pick = evaluate_system(scores, quality, mask, best_single=single, seed=4, **FEW)
    for figure in ("quality", "gap_closed", "vs_best_single"):
        low_high = found["a"][figure].low, found["a"][figure].high
        assert (pick[figure].low, pick[figure].high) == pytest.approx(low_high)


def test_arrays_that_do_not_fit_are_refused():
    scores, quality, mask, single, shown = case(10)
    values = quality[:, 0]
    for fused, told in (
        (Fused(values[1:], shown), "shape of quality of 'it'"),
        (Fused(values, shown[:, 1:]), "shape of shown"),
        (Fused(values, shown, scores[1:]), "shape of scores"),
        (Fused(values, shown, None, {}, {"tokens_out": values[1:]}), "shape of tokens_out"),
        (Fused(values, shown, None, {"random_k": shown}), "shape of random_k"),
    ):
        with pytest.raises(BadValue, match=told):
            evaluated(fused, quality, mask, single)
    with pytest.raises(BadValue, match="named"):
        evaluated(Fused(values, shown), quality, mask, single, named={"x": values})
