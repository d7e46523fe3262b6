"""A store of an older schema is brought up to date when it is opened, and loses nothing."""

from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pytest

from workbench.store.store import Store
from workbench.store.tables import SCHEMA_VERSION

FUSIONS_1 = """
    create table fusions (
        fusion_id varchar primary key, fuser varchar not null, ranker varchar, scheme varchar,
        top_k integer not null, prompt_id varchar not null, candidate_ids varchar[] not null,
        text varchar not null
    )
"""
ROW = {
    "fusion_id": ["f"],
    "fuser": ["fuser"],
    "top_k": [2],
    "prompt_id": ["p"],
    "candidate_ids": [["a", "b"]],
    "text": ["both"],
}


@pytest.fixture
def old(tmp_path):
    """A store as version 1 made it, with a fusion and a quality."""
    path = tmp_path / "old.duckdb"
    Store.create(path)
    with duckdb.connect(str(path)) as db:
        db.execute("drop view answers; drop view measured_fusions; drop table fusions")
        db.execute(FUSIONS_1)
        db.execute("alter table candidates alter column text set not null")
        db.execute("insert into fusions values ('f', 'fuser', null, null, 2, 'p', ['a'], 'both')")
        db.execute("insert into qualities values ('f', 'm', 0.5)")
        db.execute("update meta set value = '1' where name = 'schema_version'")
    return path


def test_an_old_store_gets_the_new_columns_and_views_and_keeps_its_rows(old):
    store = Store(old)
    found = store.query("select * from fusions").to_pylist()
    assert [(row["fusion_id"], row["text"], row["decoding"]) for row in found] == [
        ("f", "both", None)
    ]
    assert store.query("select answer_id, kind from answers").to_pylist() == [
        {"answer_id": "f", "kind": "fusion"}
    ]
    assert store.query("select value from qualities")["value"].to_pylist() == [0.5]
    meta = store.query("select value from meta where name = 'schema_version'")
    assert meta["value"].to_pylist() == [str(SCHEMA_VERSION)]


def test_a_candidate_of_which_only_the_quality_is_known_has_no_text(old):
    store = Store(old)
    row = {"candidate_id": ["c"], "prompt_id": ["p"], "llm": ["l"], "decoding": [""]}
    assert store.insert("candidates", pa.table(row), "refuse") == 1
    assert store.query("select text from candidates")["text"].to_pylist() == [None]
    assert store.query("from answers where answer_id = 'c'").num_rows == 0


def test_an_upgraded_store_is_like_a_new_one(old, tmp_path):
    columns = "select table_name, column_name, data_type, is_nullable from duckdb_columns()"
    new = Store.create(tmp_path / "new.duckdb")
    told = [sorted(store.query(columns).to_pylist(), key=str) for store in (Store(old), new)]
    assert told[0] == told[1]


def test_several_open_an_old_store_at_once(old):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(Store, [old] * 4))
    assert stores[0].insert("fusions", pa.table(ROW), "replace") == 0


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(old):
    with duckdb.connect(str(old)) as db:
        db.execute("alter table fusions add column latency_s double")  # in the upgrade's way
    with pytest.raises(duckdb.Error, match="latency_s"):
        Store(old)
    with duckdb.connect(str(old), read_only=True) as db:
        assert db.execute("select value from meta where name = 'schema_version'").fetchall() == [
            ("1",)
        ]
        assert "decoding" not in [c[0] for c in db.execute("from fusions limit 0").description]
