import numpy as np
import pytest
from fusion_rows import add_fusions
from hand_routes import OTHER, ROUTER, route
from rich.console import Console
from tiny_pipeline import MEASURE, counts, execute, one

from workbench.errors import StoreMissing
from workbench.stages.info import info
from workbench.stages.measure import measure
from workbench.store.labels import set_label
from workbench.store.store import Store

_PROMPTS = "select prompt_id from prompts order by prompt_id limit 3"


def test_it_counts_what_is_there(compared_pool):
    store = compared_pool / "store.duckdb"
    answers = info(store).answers
    assert dict(answers["tables"]) == {table: n for table, n in counts(store).items() if n}
    for dataset, split, prompts, referenced, candidates, llms in answers["datasets"]:
        there = "select count(*) from prompts where dataset = ? and split = ?"
        assert prompts == referenced == one(store, there, dataset, split)
        assert (candidates, llms) == (12 * prompts, 12)
    assert len(answers["datasets"]) == 3
    assert [row[:3] for row in answers["measures of candidates"]] == [(MEASURE, 70 * 12, "100.0 %")]
    assert not any(answers[title] for title in ("fusions", "measures of fusions", "verdicts"))
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


def test_fusions_their_measures_and_verdicts(measured_pool, fresh):
    store = fresh(measured_pool)
    add_fusions(store, "a", ranker="r", top_k=3)
    add_fusions(store, "a", ranker="r", top_k=1, order="shuffled(seed=0)")
    add_fusions(store, "b", ranker=None, scheme=None, splits=("validation", "test"))
    set_label(Store(store), "a", "GenFuser")
    set_label(Store(store), "r", "PairRanker")
    measure(store, [MEASURE], splits=["validation"])
    execute(
        store,
        "insert into verdicts select c.prompt_id, fusion_id, candidate_id, 'judge', "
        "case when top_k = 3 then 'left' else 'both bad' end "
        "from fusions f join candidates c on c.candidate_id = f.candidate_ids[1] "
        "where fuser = 'a'",
    )
    answers = info(store).answers
    count = "select count(*) from prompts where split = ?"
    n, validation = one(store, count, "test"), one(store, count, "validation")
    own = ("a", "GenFuser", "PairRanker r", "max_logits")
    assert answers["fusions"] == [
        (*own, 1, "shuffled(seed=0)", "beams=4", n, 5.0),
        (*own, 3, "rank", "beams=4", n, 5.0),
        ("b", None, None, None, 3, "rank", "beams=4", n + validation, 5.0),
    ]
    [(name, measured, share, *_)] = answers["measures of fusions"]
    assert (name, measured) == (MEASURE, validation)
    assert share == f"{100 * validation / (3 * n + validation):.1f} %"
    assert answers["verdicts"] == [("judge", 2 * n, n, 2 * n, n, 0, n)]
    console = Console(width=200, record=True)
    console.print(info(store))
    assert "shuffled(seed=0)" in console.export_text()


def test_routers(measured_pool, fresh):
    store = fresh(measured_pool)
    prompts = [row["prompt_id"] for row in Store(store).query(_PROMPTS).to_pylist()]
    route(store, prompts, np.ones((3, 2)), llms="ab")
    route(store, prompts[:1], np.ones((1, 3)), OTHER, llms="abc")
    set_label(Store(store), ROUTER, "ZOOTER")
    told = [(ROUTER, "ZOOTER", 2, 3), (OTHER, None, 3, 1)]
    assert info(store).answers["routers"] == sorted(told)
    execute(store, "delete from routes")
    assert info(store).answers["routers"] == []
