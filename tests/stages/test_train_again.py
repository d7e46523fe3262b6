import shutil
from pathlib import Path
from urllib.parse import urlparse

import pytest
from tiny_pipeline import runs, trained

from workbench.errors import BadValue
from workbench.stages.compare import compare
from workbench.store.store import Store


def test_a_lost_model_is_trained_again_and_its_old_logits_go(compared_pool, fresh):
    store = fresh(compared_pool)
    [run] = runs(store, "train")
    before = Store(store).query("select count(*) n from comparisons")["n"][0].as_py()
    shutil.rmtree(Path(urlparse(run.info.artifact_uri).path) / "model")
    again = trained(store)
    assert (again.ranker, again.new) == (run.info.run_id, True)
    assert before > 0
    assert Store(store).query("select * from comparisons").num_rows == 0
    assert Store(store).query("select * from rankings").num_rows == 0


def test_a_device_that_is_not_there_is_refused(compared_pool, fresh):
    with pytest.raises(BadValue, match="device = 'cuda:9'"):
        compare(fresh(compared_pool), device="cuda:9")
