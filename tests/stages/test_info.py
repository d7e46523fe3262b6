import pytest
from rich.console import Console
from tiny_pipeline import MEASURE, counts, one

from workbench.errors import StoreMissing
from workbench.stages.info import info
from workbench.store.store import Store


def test_it_counts_what_is_there(compared_pool):
    store = compared_pool / "store.duckdb"
    answers = info(store).answers
    assert dict(answers["tables"]) == {table: n for table, n in counts(store).items() if n}
    for dataset, split, prompts, referenced, candidates, llms in answers["datasets"]:
        there = "select count(*) from prompts where dataset = ? and split = ?"
        assert prompts == referenced == one(store, there, dataset, split)
        assert (candidates, llms) == (12 * prompts, 12)
    assert len(answers["datasets"]) == 3
    assert [row[:2] for row in answers["measures"]] == [(MEASURE, 70 * 12)]
    [(_, label, comparisons, prompts, schemes)] = answers["rankers"]
    assert label == "PairRanker"
    assert (comparisons, schemes) == (132 * prompts, 3)
    console = Console(width=120, record=True)
    console.print(info(store))
    text = console.export_text()
    assert "sim-iris-7b" in text
    assert MEASURE in text


def test_an_empty_store_and_none(tmp_path):
    Store.create(tmp_path / "store.duckdb")
    assert not any(info(tmp_path / "store.duckdb").answers.values())
    with pytest.raises(StoreMissing):
        info(tmp_path / "none.duckdb")
