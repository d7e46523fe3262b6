"""Compare with a ranker that was not trained in this store: a directory of a saved one."""

import pytest
from store_contract import breaches
from tiny_pipeline import execute, one, rows, runs, tiny_ranker

from workbench.errors import BadModel, BadValue
from workbench.stages.compare import compare
from workbench.store.labels import labels
from workbench.store.store import Store
from workbench.tracking import Tracker


@pytest.fixture
def saved(compared_pool, tmp_path):
    """A directory that holds the suite's trained ranker."""
    run = runs(compared_pool / "store.duckdb", "train")[0].info.run_id
    (tmp_path / "saved").mkdir()
    return Tracker(compared_pool / "store.duckdb").artifact(run, "model", tmp_path / "saved")


def test_a_directory_gives_the_logits_of_the_training_it_was_saved_by(compared_pool, fresh, saved):
    store = fresh(compared_pool)
    trained = one(store, "select any_value(ranker) from comparisons")
    done = compare(store, ranker=str(saved), splits=["test"])
    assert done.ranker != trained
    sql = (
        "select a.logit, b.logit from comparisons a join comparisons b "
        "using (prompt_id, left_id, right_id) where a.ranker = ? and b.ranker = ?"
    )
    both = rows(store, sql, trained, done.ranker)
    assert len(both) == done.new > 0
    assert all(a == pytest.approx(b, abs=1e-5) for a, b in both)
    assert labels(Store(store))[done.ranker] == f"PairRanker {saved.name}"
    again = compare(store, ranker=str(saved), splits=["test"])
    assert (again.ranker, again.new) == (done.ranker, 0)
    assert breaches(store) == []


def test_where_the_directory_lies_does_not_matter_and_its_files_do(compared_pool, fresh, saved):
    store = fresh(compared_pool)
    first = compare(store, ranker=str(saved), splits=["test"]).ranker
    moved = saved.rename(saved.parent / "elsewhere")
    assert compare(store, ranker=str(moved), splits=["test"]).ranker == first
    (moved / "README.md").write_text("what is said of it")
    assert compare(store, ranker=str(moved), splits=["test"]).new == 0
    tokenizer = moved / "tokenizer" / "tokenizer_config.json"
    tokenizer.write_text(tokenizer.read_text() + "\n")
    execute(store, "delete from comparisons where ranker = ?", first)
    assert compare(store, ranker=str(moved), splits=["test"]).ranker != first


def test_what_cannot_compare_is_told_before_a_run_begins(compared_pool, fresh, tmp_path, saved):
    store = fresh(compared_pool)
    known = len(runs(store, "compare"))
    with pytest.raises(BadModel, match="no directory"):
        compare(store, ranker=str(tmp_path / "absent"))
    with pytest.raises(BadModel, match="holds no ranker"):
        compare(store, ranker=str(tmp_path))
    with pytest.raises(BadModel, match="PairRanker has to be trained"):
        compare(store, model=tiny_ranker())
    with pytest.raises(BadValue, match="ranker and model"):
        compare(store, ranker=str(saved), model=tiny_ranker())
    (saved / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(BadModel, match="damaged"):
        compare(store, ranker=str(saved))
    assert len(runs(store, "compare")) == known
