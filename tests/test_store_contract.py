"""The contract is kept after every stage, and the check would tell if it were not."""

import pytest
from store_contract import breaches
from tiny_pipeline import MEASURE, execute, one

from workbench.stages.evaluate import evaluate
from workbench.sweeps.sweep import sweep


def test_no_stage_breaks_the_contract(measured_pool, compared_pool, fresh):
    assert breaches(measured_pool / "store.duckdb") == []
    store = fresh(compared_pool)
    assert breaches(store) == []
    evaluate(store, splits=["validation", "test"], min_category=2, resamples=50)
    assert breaches(store) == []
    sweep(store, measure=MEASURE, trials=4)
    assert breaches(store) == []
    for table in ("comparisons", "rankings", "results", "trials"):
        assert one(store, f"select count(*) from {table}") > 0


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("insert into comparisons select * from comparisons limit 1", "holds a key twice"),
        ("update comparisons set right_id = left_id", "compared with itself"),
        ("update comparisons set logit = 'nan'", "logit that is no number"),
        ("delete from prompts", "orphan candidate"),
        ("update rankings set rank = rank + 1", "nobody first"),
        ("update rankings set rank = 1", "ranks against scores"),
    ],
)
def test_a_breach_is_found(compared_pool, fresh, harm, found):
    store = fresh(compared_pool)
    execute(store, harm)
    assert any(found in breach for breach in breaches(store))
