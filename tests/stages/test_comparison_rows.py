import numpy as np
import pytest
from tiny_pipeline import execute, one

from workbench.errors import BadModel
from workbench.ranking.pair_ranker import PairRanker
from workbench.stages.compare import compare


@pytest.mark.parametrize("schedule", ["all", "knockout"])
def test_logits_that_are_not_finite_are_told_and_never_written(
    compared_pool, fresh, monkeypatch, schedule
):
    store = fresh(compared_pool)
    execute(store, "delete from comparisons")
    honest = PairRanker.compare

    def overflowing(self, prompts, left, right, **options):
        logits = honest(self, prompts, left, right, **options)
        return np.where(np.arange(len(logits)) == 3, np.inf, logits).astype(np.float32)

    monkeypatch.setattr(PairRanker, "compare", overflowing)
    with pytest.raises(BadModel, match=r"gives inf for candidates .* 1 of \d+ logits"):
        compare(store, splits=["test"], schedule=schedule)
    assert one(store, "select count(*) from comparisons") == 0
