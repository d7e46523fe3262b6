import numpy as np
import pytest
from fused_pool import (
    CHANCE,
    DECODING,
    FUSER,
    RANDOM,
    RANKER,
    SCHEME,
    fuse,
    labelled,
    qualities,
    ranked_store,
)
from processes import workbench
from store_contract import breaches
from tiny_pipeline import content, copied, execute, rows, runs

from workbench.errors import MissingInput, UnknownName
from workbench.stages.evaluate import evaluate
from workbench.stages.fusion_names import FusionSystem

FEW = {"resamples": 50, "splits": ["test"], "measures": ["m"]}
BEAM = "beam(beams=2, length_penalty=1.0, max_new_tokens=16, no_repeat_ngram=0, copy_ngram=0)"
B, C, D, A = 1, 2, 3, 0  # columns of the LLMs in the ranker's order


def system(top_k, **options):
    given = {"fuser": FUSER, "ranker": RANKER, "scheme": SCHEME, "candidate_order": "rank",
             "decoding": DECODING}  # fmt: skip
    return FusionSystem(top_k=top_k, **given | options).name


def told(store, name, measure="m", part="all"):
    """Figure -> (value, low, high, n) of a system of the last evaluation."""
    found = rows(
        store,
        "select measure, value, low, high, n from results where system = ? and slice = ? "
        "and ends_with(measure, ?)",
        name,
        part,
        f":{measure}",
    )
    return {figure.rpartition(":")[0]: values for figure, *values in found}


def values_of(store, name, **where):
    return {figure: values[0] for figure, values in told(store, name, **where).items()}


@pytest.fixture(scope="module")
def ranked(tmp_path_factory, empty_tracking):
    folder = copied(empty_tracking, tmp_path_factory.mktemp("ranked") / "pool")
    ranked_store(folder / "store.duckdb")
    return folder


@pytest.fixture(scope="module")
def fused(ranked, tmp_path_factory):
    """Fusions of K = 1 and 3 and of three at random, evaluated on test. Read only."""
    folder = copied(ranked, tmp_path_factory.mktemp("fused") / "pool")
    store = folder / "store.duckdb"
    prompts, quality = qualities(store)
    best = quality[:, [B, C, D]].max(axis=1)
    fuse(store, prompts, quality[:, B], 1)
    fuse(store, prompts, best + 0.1, 3)
    fuse(store, prompts, quality[:, A], 3, ranker=CHANCE, scheme=RANDOM, llms="abd")
    labelled(store)
    evaluate(store, **FEW, min_category=5, against=["c"])
    return folder


def test_the_copy_of_the_pick_is_the_pick(fused):
    store = fused / "store.duckdb"
    copy, pick = told(store, system(1)), told(store, f"{RANKER}/{SCHEME}")
    assert copy["vs_pick"] == [0, 0, 0, 14]
    assert copy["vs_pick_p"][0] == 1
    shared = {"quality", "gap_closed", "vs_best_single", "vs_best_single_p", "top3", "mean_rank",
              "not_worse_than_best_single", "not_worse_than[c]"}  # fmt: skip
    assert {n: copy[n] for n in shared} == {n: pytest.approx(pick[n]) for n in shared}


def test_a_fusion_stands_beside_its_pick_what_it_was_made_of_and_other_fusions(fused):
    store = fused / "store.duckdb"
    _, quality = qualities(store)
    best, oracle = quality[:, [B, C, D]].max(axis=1), quality.max(axis=1)
    values = best + 0.1
    found = values_of(store, system(3))
    for figure, value in {
        "quality": values.mean(),
        "vs_best_shown": 0.1,
        "better_than_best_shown": 1,
        "not_worse_than_best_shown": 1,
        "quality_of_pick": quality[:, B].mean(),
        "vs_pick": (values - quality[:, B]).mean(),
        "better_than_pick": 1,
        "vs_best_single": (values - quality[:, A]).mean(),
        "better_than_best_single": (values > quality[:, A]).mean(),
        "not_worse_than[c]": 1,
        "better_than[c]": 1,
        "vs_top_1": (values - quality[:, B]).mean(),
        "vs_random_k": (values - quality[:, A]).mean(),
        "gap_closed": (values - quality[:, A]).sum() / (oracle - quality[:, A]).sum(),
        "mean_rank": ((quality > values[:, None]).sum(axis=1) + 1).mean(),
        "tokens_out": 15,
        "candidates_shown": 3,
        "llm_calls": 4,
        "characters": len("fused"),
        "characters_of_reference": 12,
    }.items():
        assert found[figure] == pytest.approx(value), figure
    assert found["characters_of_pick"] > 5
    assert "comparisons" not in found  # the store holds none


def test_fusions_of_random_candidates_have_a_random_pick(fused):
    store = fused / "store.duckdb"
    _, quality = qualities(store)
    found = values_of(store, system(3, ranker=CHANCE, scheme=RANDOM))
    assert found["quality_of_pick"] == pytest.approx(values_of(store, "Random")["quality"])
    assert found["vs_best_shown"] == pytest.approx(
        (quality[:, A] - quality[:, [A, B, D]].max(axis=1)).mean()
    )
    assert found["llm_calls"] == 3
    assert not {"vs_random_k", "vs_top_1"} & set(found)


def test_fusions_have_slices_metrics_and_a_plot(fused):
    store = fused / "store.duckdb"
    assert values_of(store, system(3), part="category=x")["vs_best_shown"] == pytest.approx(0.1)
    [run] = runs(store, "evaluate")
    logged = [v for k, v in run.data.metrics.items() if k.startswith("hand/test/vs_pick:m/fusion:")]
    assert len(logged) == 3
    from workbench.tracking import Tracker

    plots = Tracker(store).artifact(run.info.run_id, "plots")
    assert (plots / "fusion-hand_test_m.png").stat().st_size > 0
    assert breaches(store) == []


def test_a_second_start_adds_nothing_and_new_fusions_make_a_new_run(fused, fresh):
    store = fresh(fused)
    before = content(store, "results")
    again = evaluate(store, **FEW, min_category=5, against=["c"])
    assert not again.new
    assert content(store, "results") == before
    execute(store, "update qualities set value = value + 1 where starts_with(candidate_id, '[')")
    assert evaluate(store, **FEW, min_category=5, against=["c"]).new


def test_without_fusions_an_evaluation_is_the_one_it_was(ranked, fresh):
    """Fusions of another split, of no measure, or left out on purpose change nothing."""
    store = fresh(ranked)
    first = evaluate(store, **FEW)
    [run] = runs(store, "evaluate")
    assert not any("fusions" in name for name in run.data.params)
    prompts, quality = qualities(store, split="validation")
    fuse(store, prompts, quality[:, B], 2)
    assert not evaluate(store, **FEW).new
    prompts, quality = qualities(store)
    fuse(store, prompts, np.full(14, np.nan), 2)
    assert not evaluate(store, **FEW).new
    fuse(store, prompts[:9], quality[:9, B], 1)
    out = evaluate(store, **FEW, fuser="none")
    assert not out.new
    assert sorted(out.rows) == sorted(first.rows)
    assert evaluate(store, **FEW).new


def test_only_prompts_that_all_hold_are_compared(ranked, fresh, capsys):
    store = fresh(ranked)
    prompts, quality = qualities(store)
    fuse(store, prompts[:9], quality[:9, B] + 0.2, 1)
    fuse(store, prompts, {"m": np.where(np.arange(14) < 3, np.nan, quality[:, C])}, 3)
    evaluate(store, **FEW)
    said = capsys.readouterr().err
    assert "hand, test, m: 6 of 14 measured prompts are ranked and fused by all" in said
    assert "fusion of 1 lacks 5, fusion of 3 lacks 3" in said
    assert "--fuser none" in said
    assert {n for (n,) in rows(store, "select distinct n from results where n > 1")} == {6}
    kept = slice(3, 9)
    assert values_of(store, "Random")["quality"] == pytest.approx(quality[kept].mean())
    assert values_of(store, system(1))["quality"] == pytest.approx(quality[kept, B].mean() + 0.2)


def test_fusions_measured_by_one_measure_alone_are_told_by_that_one(ranked, fresh, capsys):
    store = fresh(ranked)
    prompts, quality = qualities(store)
    fuse(store, prompts, {"other": quality[:, B] ** 2}, 2)
    fuse(store, prompts, np.full(14, np.nan), 3)
    evaluate(store, **FEW | {"measures": ["m", "other"]})
    said = capsys.readouterr().err
    assert "hand, test, m: no prompt has a measured fusion of 2" in said
    assert "1 of 2 kinds of fusions are not measured, and left out" in said
    assert told(store, system(2)) == {}
    assert values_of(store, system(2), measure="other")["vs_pick"] == 0
    assert values_of(store, "Random")["quality"] == pytest.approx(quality.mean())
    assert told(store, system(3), measure="other") == {}


def test_fusions_without_a_prompt_in_common_are_refused(ranked, fresh):
    store = fresh(ranked)
    prompts, quality = qualities(store)
    fuse(store, prompts[:4], quality[:4, B], 1)
    fuse(store, prompts[4:], quality[4:, B], 3)
    with pytest.raises(MissingInput, match=r"by all of .*fusion of 1, fusion of 3.*one by one"):
        evaluate(store, **FEW)


def test_which_fusions_are_compared(fused, fresh):
    store = fresh(fused)
    prompts, quality = qualities(store)
    fuse(store, prompts, quality[:, D], 3, fuser="d4" * 16, decoding=BEAM)
    fuse(store, prompts, quality[:, D], 3, ranker=None, scheme=None, candidate_order=None,
         decoding=None)  # fmt: skip

    def compared(**options):
        found = evaluate(store, **FEW, **options)
        return {row[0] for row in found.rows if row[0].startswith("fusion:")}

    other = system(3, fuser="d4" * 16, decoding=BEAM)
    bare = system(3, ranker="none", scheme="none", candidate_order="", decoding="")
    chance = system(3, ranker=CHANCE, scheme=RANDOM)
    assert compared() == {system(1), system(3), chance, other, bare}
    assert not any("pick" in figure for figure in told(store, bare))
    assert compared(fuser="d4") == {other}
    assert compared(ranker="a1") == compared(schemes=["max_logits"]) == {
        system(1), system(3), chance, other,
    }  # fmt: skip
    with pytest.raises(UnknownName, match=r"unknown fuser with fusions 'x'.*none"):
        evaluate(store, **FEW, fuser="x")


def test_the_command_line_tells_of_fusions(fused, fresh):
    store = fresh(fused)
    options = ["--splits", "[test]", "--measures", "[m]", "--resamples", 60]
    done = workbench("evaluate", "--store", store, *options)
    out, err = done.communicate()
    assert done.returncode == 0, err
    assert f"fuser GenFuser tiny: {FUSER}" in out
    assert f"ranker PairRanker: {RANKER}" in out
    assert "Fusion, by m on hand, test: 14 prompts" in out
    assert "fusion of random 3" in out
    assert "fuser GenFuser tiny" in out
    wrong = workbench("evaluate", "--store", store, "--fuser", "zzz")
    assert "unknown fuser with fusions 'zzz'" in wrong.communicate()[1]
    assert wrong.returncode == 2
