import numpy as np
import pytest
from tiny_pipeline import execute, one, rows

from workbench.stages.aggregate import aggregate
from workbench.stages.evaluate import evaluate
from workbench.store.store import Store


def test_comparisons_are_those_that_the_scheme_asks_for(compared_pool, fresh):
    """Of n candidates a knock-out asks for n − 1 pairs, each in both orders."""
    store = fresh(compared_pool)
    aggregate(store, schemes=["knockout"])
    ranker = one(store, "select any_value(ranker) from rankings")
    found = Store(store).query(
        "select p.prompt_id, list(c.candidate_id)[:2] as ids, count(*) as n from prompts p "
        "join candidates c using (prompt_id) where split = 'test' group by all"
    )
    for scheme in ("knockout", "max_logits"):
        [(full,)] = rows(
            store, "select distinct scheme from rankings where starts_with(scheme, ?)", scheme
        )
        execute(
            store,
            "insert into fusions by name select ? || p.prompt_id as fusion_id, 'f' as fuser, "
            "? as ranker, ? as scheme, 2 as top_k, p.prompt_id, list(c.candidate_id)[:2] as "
            "candidate_ids, 'text' as text from prompts p join candidates c using (prompt_id) "
            "where p.split = 'test' group by p.prompt_id",
            scheme,
            ranker,
            full,
        )
    execute(
        store,
        "insert into qualities select fusion_id, 'rougeL@1', 0.5 from fusions",
    )
    evaluate(store, splits=["test"], resamples=20)
    asked = {
        name.split("/")[2].partition(";")[0].partition("(")[0]: value
        for name, value in rows(
            store, "select system, value from results where measure = 'comparisons:rougeL@1'"
        )
    }
    n = np.array(found["n"].to_pylist())
    assert asked == {
        "knockout": pytest.approx(2 * (n - 1).mean()),
        "max_logits": pytest.approx((n * (n - 1)).mean()),
    }
