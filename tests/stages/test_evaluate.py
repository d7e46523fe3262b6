import json

import numpy as np
import pytest
from tiny_pipeline import MEASURE, content, copied, execute, one, rows, runs

from workbench.errors import MissingInput, UnknownName
from workbench.stages.aggregate import aggregate
from workbench.stages.evaluate import evaluate
from workbench.stages.ingest import ingest
from workbench.tracking import Tracker

FEW = {"resamples": 100}


def values(store, figure, split="test", part="all", measure=MEASURE):
    """System -> value of one figure."""
    return dict(
        rows(
            store,
            "select system, value from results where measure = ? and split = ? and slice = ?",
            f"{figure}:{measure}",
            split,
            part,
        )
    )


@pytest.fixture(scope="module")
def evaluated(compared_pool, tmp_path_factory):
    """The compared pool after one evaluation of two splits. Read only."""
    folder = copied(compared_pool, tmp_path_factory.mktemp("evaluated") / "pool")
    evaluate(folder / "store.duckdb", splits=["validation", "test"], min_category=3, **FEW)
    return folder


@pytest.fixture
def turned(new_store, tmp_path):
    """Three LLMs whose order on validation is the opposite of that on test.

    a is best on validation, c on test; c's answers are longest. Categories: x on six prompts of
    test, y on two.
    """
    store, file = new_store, tmp_path / "rows.jsonl"
    lines = []
    for n in range(12):
        split = "validation" if n < 4 else "test"
        for place, llm in enumerate("abc"):
            quality = 0.1 * (3 - place if split == "validation" else place + 1) + 0.01 * n
            lines.append(
                {
                    "instruction": f"q{n}",
                    "llm": llm,
                    "text": "long " * (place + 1),
                    "split": split,
                    "category": "x" if n < 10 else "y",
                    "quality.m": quality,
                }
            )
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    ingest(store, "jsonl", path=str(file), dataset="turned")
    return store


def test_best_single_is_chosen_on_validation_whatever_test_says(turned):
    evaluate(turned, splits=["test"], min_category=5, **FEW)
    mean = 0.01 * np.mean(range(4, 12))
    assert values(turned, "quality", measure="m") == {
        "Oracle": pytest.approx(0.3 + mean),
        "Longest": pytest.approx(0.3 + mean),
        "BestSingle": pytest.approx(0.1 + mean),
        "Random": pytest.approx(0.2 + mean),
        "llm:a": pytest.approx(0.1 + mean),
        "llm:b": pytest.approx(0.2 + mean),
        "llm:c": pytest.approx(0.3 + mean),
    }
    assert values(turned, "chosen_as_best_single", measure="m") == {"llm:a": 1.0}
    assert values(turned, "best_share", measure="m") == {"llm:a": 0, "llm:b": 0, "llm:c": 1}
    assert values(turned, "gap_closed", measure="m")["Random"] == pytest.approx(0.5)
    assert values(turned, "vs_best_single", measure="m")["llm:c"] == pytest.approx(0.2)
    # On validation a is the best, and no prompt of test has a say.
    evaluate(turned, splits=["validation"], **FEW)
    assert values(turned, "best_share", "validation", measure="m")["llm:a"] == 1


def test_categories_large_enough_are_slices(turned, capsys):
    evaluate(turned, splits=["test"], min_category=5, **FEW)
    told = "turned, test: categories of fewer than 5 prompts are not told apart: y (2)\n"
    assert capsys.readouterr().err.count(told) == 1
    [run] = runs(turned, "evaluate")
    [logged] = [v for k, v in run.data.metrics.items() if "category" in k and "quality:m/Ran" in k]
    assert logged == values(turned, "quality", part="category=x", measure="m")["Random"]
    assert rows(turned, "select distinct slice from results order by 1") == [
        ("all",),
        ("category=x",),
    ]
    assert (
        one(
            turned,
            "select n from results where slice = 'category=x' and system = 'Random' "
            "and measure = 'quality:m'",
        )
        == 6
    )
    expected = 0.2 + 0.01 * np.mean(range(4, 10))
    assert values(turned, "quality", part="category=x", measure="m")["Random"] == pytest.approx(
        expected
    )


@pytest.mark.parametrize("split", ["validation", "test"])
def test_baselines_rankings_and_llms_stand_beside_each_other(evaluated, split):
    store = evaluated / "store.duckdb"
    quality = values(store, "quality", split)
    ranker = runs(store, "train")[0].info.run_id
    rankings = {f"{ranker}/{s}" for (s,) in rows(store, "select distinct scheme from rankings")}
    assert len(rankings) == 3
    llms = {f"llm:{name}" for (name,) in rows(store, "select llm from llms")}
    assert set(quality) == {"Oracle", "BestSingle", "Longest", "Random"} | rankings | llms
    assert max(quality, key=quality.get) == "Oracle"
    (best,) = values(store, "chosen_as_best_single", split)
    assert quality["BestSingle"] == pytest.approx(quality[best])
    if split == "validation":
        assert quality["BestSingle"] == max(quality[name] for name in llms)
    assert sum(values(store, "best_share", split).values()) == pytest.approx(1)
    for ranking in rankings:
        shares = rows(
            store,
            "select value from results where measure = ? and split = ?",
            f"picked_share:{ranking}",
            split,
        )
        assert sum(value for (value,) in shares) == pytest.approx(1)
        for figure in ("top3", "mean_rank", "spearman", "pairwise_accuracy", "gap_closed",
                       "not_worse_than_best_single", "pearson", "footrule", "kendall",
                       "vs_best_single_p"):  # fmt: skip
            assert ranking in values(store, figure, split)
    bias = (
        "select count(*) from results where split = ? and system = ? and measure like 'position%'"
    )
    assert one(store, bias, split, ranker) == 3


def test_every_interval_holds_its_value_and_counts_prompts(evaluated):
    store = evaluated / "store.duckdb"
    off = "select count(*) from results where not (low - 1e-9 <= value and value <= high + 1e-9)"
    assert one(store, off) == 0
    assert one(store, "select count(*) from results where low is null") == one(
        store, "select count(*) from results where measure like 'chosen_as_%'"
    )
    for split in ("validation", "test"):
        n = one(store, "select count(*) from prompts where split = ?", split)
        told = rows(
            store,
            "select distinct n from results where split = ? and slice = 'all' "
            "and measure like 'quality:%'",
            split,
        )
        assert told == [(n,)]
    narrow = one(
        store,
        "select count(*) from results where measure like 'quality:%' and low < value "
        "and value < high",
    )
    assert narrow > 50


def test_the_simulated_families_are_slices(evaluated):
    store = evaluated / "store.duckdb"
    told = {name for (name,) in rows(store, "select distinct slice from results")}
    large = rows(
        store,
        "select distinct 'category=' || category from prompts where split <> 'train' "
        "group by category, split having count(*) >= 3",
    )
    assert len(large) > 1
    assert told == {"all"} | {name for (name,) in large}


def test_mlflow_holds_the_same_numbers(evaluated):
    store = evaluated / "store.duckdb"
    [run] = runs(store, "evaluate")
    assert run.info.status == "FINISHED"
    assert one(store, "select any_value(run_id) from results") == run.info.run_id
    for system in ("Oracle", "BestSingle", "Random", "llm:sim-iris-7b"):
        logged = run.data.metrics[f"simulated/test/quality:rougeL_1/{system}"]
        assert logged == values(store, "quality")[system]
    artifacts = Tracker(store).artifact(run.info.run_id, "")
    lines = (artifacts / "results.csv").read_text().splitlines()
    assert len(lines) == 1 + one(store, "select count(*) from results")
    assert len(list((artifacts / "plots").glob("*.png"))) == 4


def test_a_second_start_adds_nothing(evaluated, fresh):
    store = fresh(evaluated)
    before, known = content(store, "results"), len(runs(store))
    again = evaluate(store, splits=["validation", "test"], min_category=3, **FEW)
    assert not again.new
    assert (
        content(store, "results")
        == before
        == {tuple(map(str, (again.run, *row))) for row in again.rows}
    )
    assert len(runs(store)) == known
    # Rows that a kill has kept from being written are written now.
    execute(store, "delete from results")
    evaluate(store, splits=["validation", "test"], min_category=3, **FEW)
    assert content(store, "results") == before


def test_only_prompts_that_all_rankings_hold_are_compared(compared_pool, fresh, capsys):
    store = fresh(compared_pool)
    test = [p for (p,) in rows(store, "select prompt_id from prompts where split = 'test'")]
    execute(
        store,
        "delete from rankings where scheme like 'bubble%' and list_contains(?, prompt_id)",
        test[:5],
    )
    evaluate(store, schemes=["max_logits", "bubble"], splits=["train", "test"], **FEW)
    told = rows(
        store, "select distinct n from results where measure like 'quality:%' and split = 'test'"
    )
    assert told == [(len(test) - 5,)]
    said = capsys.readouterr().err
    ranker = one(store, "select any_value(ranker) from rankings")[:8]
    left = f"simulated, test, rougeL@1: {len(test) - 5} of {len(test)} measured prompts are ranked"
    assert f"{left} by all and evaluated; {ranker}/bubble lacks 5\n" in said
    assert f"train, rougeL@1: no prompt is ranked by {ranker}/bubble, {ranker}/max_logits" in said
    execute(
        store,
        "delete from rankings where scheme like 'max_logits%' and list_contains(?, prompt_id)",
        test[5:],
    )
    with pytest.raises(MissingInput, match="evaluate them one by one"):
        evaluate(store, schemes=["max_logits", "bubble"], splits=["test"], **FEW)
    failed = [run for run in runs(store, "evaluate") if run.info.status == "FAILED"]
    assert len(failed) == 1


def test_datasets_with_measures_and_llms_of_their_own(compared_pool, turned, fresh):
    """Each dataset has its rows, whichever measure or LLM the other one lacks."""
    store = fresh(compared_pool)
    ingest(store, "jsonl", path=str(turned.with_name("rows.jsonl")), dataset="turned")
    evaluate(store, splits=["test"], against=["a", "sim-iris-7b"], **FEW)
    told = set(rows(store, "select distinct dataset, measure from results"))
    assert {("simulated", "quality:rougeL@1"), ("turned", "quality:m")} <= told
    assert ("turned", "quality:rougeL@1") not in told
    # `m` comes first and is not measured on the simulated pool, which has the rankings.
    assert any(measure.startswith("picked_share") for _, measure in told)
    assert ("simulated", "position_bias") in told
    named = {pair for pair in told if "not_worse_than[" in pair[1]}
    assert named == {
        ("simulated", "not_worse_than[sim-iris-7b]:rougeL@1"),
        ("turned", "not_worse_than[a]:m"),
    }


def test_pairs_of_clearly_unequal_quality_are_counted_on_request(evaluated, fresh):
    store = fresh(evaluated)
    evaluate(store, splits=["test"], min_gap=0.2, schemes=["max_logits"], **FEW)
    assert set(values(store, "pairwise_accuracy>0.2")) > {"Oracle", "Longest"}
    assert values(store, "pairwise_accuracy>0.2")["Oracle"] == 1


def test_an_llm_answers_for_itself_alone(new_store, tmp_path):
    """b is worse than a, and answers two of six prompts: its quality is that of its answers."""
    store, file = new_store, tmp_path / "rows.jsonl"
    lines = []
    for n in range(12):
        split = "validation" if n < 6 else "test"
        for llm, quality in (("a", 0.1 * n), ("b", 0.1 * n - 0.3)):
            line = {"instruction": f"q{n}", "llm": llm, "text": llm, "split": split}
            if llm == "a" or n < 8:
                lines.append(line | {"quality.m": quality})
            elif n == 9:  # an answer that was not measured is none to go by
                lines.append(line)
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    ingest(store, "jsonl", path=str(file))
    evaluate(store, splits=["test"], **FEW)
    told = rows(
        store,
        "select measure, value, n from results where system = 'llm:b' "
        "and measure in ('quality:m', 'vs_best_single:m') order by 1",
    )
    assert told == [
        ("quality:m", pytest.approx(0.1 * 6.5 - 0.3), 2),
        ("vs_best_single:m", pytest.approx(-0.3), 2),
    ]


def test_llms_that_validation_has_never_seen(new_store, tmp_path):
    store, file = new_store, tmp_path / "rows.jsonl"
    lines = [
        {"instruction": f"q{split}", "llm": llm, "text": llm, "split": split, "quality.m": 0.5}
        for split, llm in (("validation", "a"), ("test", "b"), ("test", "c"))
    ]
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    ingest(store, "jsonl", path=str(file))
    with pytest.raises(MissingInput, match="BestSingle is chosen there"):
        evaluate(store, splits=["test"], **FEW)


def test_names_are_refused_with_the_valid_ones_before_a_run_begins(compared_pool, fresh):
    store = fresh(compared_pool)
    for options, told in (
        ({"measures": ["rougel@1"]}, "Did you mean 'rougeL@1'"),
        ({"datasets": ["simulate"]}, "Did you mean 'simulated'"),
        ({"schemes": ["borda"]}, "unknown ranked scheme 'borda'"),
        ({"schemes": ["max_logit"]}, "Did you mean 'max_logits'"),
        ({"schemes": ["max"]}, "Valid: bradley_terry, bubble, max_logits"),
        ({"schemes": ["bradley_terry(prior=0.1)"]}, r"Did you mean 'bradley_terry\(prior=0.5"),
        ({"schemes": ["bradley_terry(priors=0.5)"]}, "Did you mean 'prior'"),
        ({"ranker": "zzz"}, "unknown ranker with rankings 'zzz'"),
        ({"against": ["sim-iris"]}, "Did you mean 'sim-iris-7b'"),
    ):
        with pytest.raises(UnknownName, match=told):
            evaluate(store, **options)
    assert runs(store, "evaluate") == []


def test_schemes_are_named_as_for_aggregate(compared_pool, fresh):
    store = fresh(compared_pool)
    aggregate(store, schemes=["bradley_terry(prior=2)", "max_logits;order=left"])
    prior = "bradley_terry(prior={}, temperature=1.0);order=both;schedule=all"
    logits = "max_logits;order={};schedule=all"
    for schemes, meant in (
        (["bradley_terry"], {prior.format(0.5), prior.format(2.0)}),
        (["bradley_terry(temperature=1, prior=2)"], {prior.format(2.0)}),
        (
            ["max_logits", prior.format(0.5)],
            {*map(logits.format, ("both", "left")), prior.format(0.5)},
        ),
        (["max_logits;order=left"], {logits.format("left")}),
    ):
        done = evaluate(store, schemes=schemes, splits=["test"], resamples=5)
        found = {row[0].partition("/")[2] for row in done.rows if row[4] == f"quality:{MEASURE}"}
        assert found - {""} == meant


def test_no_validation_no_best_single(turned):
    execute(turned, "update prompts set split = 'train' where split = 'validation'")
    with pytest.raises(MissingInput, match="no validation prompt measured by m"):
        evaluate(turned, splits=["test"], **FEW)


def test_no_qualities_nothing_to_evaluate(tmp_path):
    ingest(tmp_path / "store.duckdb", "simulated", n_prompts=3)
    with pytest.raises(MissingInput, match="workbench measure"):
        evaluate(tmp_path / "store.duckdb")
