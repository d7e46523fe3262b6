import optuna
import pytest
from tiny_pipeline import MEASURE, content, counts, execute, one, rows, runs, trained

from workbench.errors import UnknownName
from workbench.stages.aggregate import aggregate
from workbench.stages.compare import compare
from workbench.stages.evaluate import evaluate
from workbench.stages.forget import forget
from workbench.stages.measure import measure
from workbench.store.labels import labels
from workbench.store.store import Store
from workbench.sweeps.sweep import sweep

FEW = {"resamples": 50}


def others(store, *but):
    """What stands in all tables but some."""
    return {table: content(store, table) for table in counts(store) if table not in but}


def test_a_training_takes_its_comparisons_and_rankings_along(compared_pool, fresh):
    store = fresh(compared_pool)
    [first] = runs(store, "train")
    second = trained(store, seed=1).ranker
    compare(store, second, splits=["test"])
    aggregate(store, second, ["max_logits"])
    kept = {
        table: set(rows(store, f"select * from {table} where ranker = ?", second))
        for table in ("comparisons", "rankings")
    }
    before = others(store, *kept)
    done = forget(store, first.info.run_id[:10])
    assert (done.run, done.stage) == (first.info.run_id, "train")
    assert dict(done.rows)["comparisons"] > 0
    for table, expected in kept.items():
        assert set(rows(store, f"select * from {table}")) == expected != set()
    assert others(store, *kept) == before
    assert [run.info.run_id for run in runs(store, "train")] == [second]
    assert labels(Store(store)) == {second: "PairRanker"}
    again = trained(store)
    assert again.new
    assert again.ranker not in (first.info.run_id, second)


def test_an_evaluation_can_be_done_anew(compared_pool, fresh):
    store = fresh(compared_pool)
    first = evaluate(store, splits=["test"], **FEW)
    other = evaluate(store, splits=["validation"], **FEW)
    before = others(store, "results")
    assert dict(forget(store, first.run).rows) == {"results": len(first.rows)}
    assert rows(store, "select distinct run_id from results") == [(other.run,)]
    assert others(store, "results") == before
    again = evaluate(store, splits=["test"], **FEW)
    assert again.new
    assert again.run != first.run
    assert again.rows == first.rows


def test_a_comparison_can_be_done_anew(compared_pool, fresh):
    store = fresh(compared_pool)
    [run] = runs(store, "compare")
    n = one(store, "select count(*) from comparisons")
    assert dict(forget(store, run.info.run_id).rows)["comparisons"] == n
    assert one(store, "select count(*) from rankings") == 0
    assert len(runs(store, "train")) == 1
    assert compare(store).new == n
    assert [r.info.run_id for r in runs(store, "compare")] != [run.info.run_id]


def test_a_measuring_takes_its_values_along(measured_pool, fresh):
    store = fresh(measured_pool)
    execute(store, "insert into qualities select candidate_id, 'own', 0.5 from candidates limit 9")
    [run] = runs(store, "measure")
    n = one(store, "select count(*) from qualities where measure = ?", MEASURE)
    assert dict(forget(store, run.info.run_id).rows) == {"qualities": n}
    assert rows(store, "select distinct measure from qualities") == [("own",)]
    assert measure(store, [MEASURE]).rows[0][1] == n


def test_a_sweep_takes_its_trials_and_its_study_along(compared_pool, fresh):
    store = fresh(compared_pool)
    kept = sweep(store, trials=2, study="kept")
    first = sweep(store, trials=3)
    [run] = [r for r in runs(store, "sweep") if r.data.params["study"] == "None"]
    done = dict(forget(store, run.info.run_id).rows)
    assert done == {"trials": 3, "results": len(first.settings)}
    assert rows(store, "select distinct study from trials") == [("kept",)]
    assert one(store, "select count(*) from results") == len(kept.settings)
    assert optuna.get_all_study_names(first.storage) == ["kept"]
    assert len(runs(store, "sweep-trial")) == 2
    assert sweep(store, trials=3).trials == 3
    assert one(store, "select count(*) from trials where study <> 'kept'") == 3
    assert len(runs(store, "sweep-trial")) == 5


def test_unknown_runs_are_refused(compared_pool):
    store = compared_pool / "store.duckdb"
    before = counts(store)
    with pytest.raises(
        UnknownName, match="unknown run 'nope'. Valid: .*" + runs(store)[0].info.run_id
    ):
        forget(store, "nope")
    assert counts(store) == before
