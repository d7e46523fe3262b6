import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from workbench.errors import (
    BadValue,
    StoreBusy,
    StoreConflict,
    StoreMissing,
    StoreUnreachable,
    StoreVersion,
    UnknownName,
)
from workbench.store.store import Store
from workbench.store.tables import KEYS


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store.duckdb")


def qualities(ids, value=1.0, measure="m"):
    return pa.table(
        {"candidate_id": ids, "measure": [measure] * len(ids), "value": [value] * len(ids)}
    )


def test_created_store_has_every_table_with_its_key(store):
    with store.reading() as db:
        for table, key in KEYS.items():
            columns = {d[0] for d in db.execute(f"select * from {table} limit 0").description}
            assert set(key) <= columns


def test_same_rows_twice_are_written_once(store):
    assert store.insert("qualities", qualities(["a", "b", "a"])) == 2
    assert store.insert("qualities", qualities(["a", "b", "c"])) == 1
    assert store.query("select count(*) from qualities")[0][0].as_py() == 3


@pytest.mark.parametrize("table", ["qualities", "llms"])
def test_replace_takes_the_new_value_and_keeps_the_key_unique(store, table):
    key, column = KEYS[table], {"qualities": "value", "llms": "parameters_b"}[table]
    row = {name: ["x"] for name in key}
    store.insert(table, pa.table({**row, column: [1.0]}))
    assert store.insert(table, pa.table({**row, column: [2.0]}), "replace") == 0
    assert store.query(f"select {column} from {table}").to_pylist() == [{column: 2.0}]


def test_refuse_names_the_changed_value_and_writes_nothing(store):
    store.insert("qualities", qualities(["a"], 1.0))
    with pytest.raises(StoreConflict, match=r"candidate_id=a.*value is 1\.0 .* and 2\.0"):
        store.insert("qualities", qualities(["new", "a"], 2.0), "refuse")
    assert store.query("select * from qualities").num_rows == 1


def test_unknown_table_column_and_mode_are_refused_with_the_valid_ones(store):
    with pytest.raises(UnknownName, match="Did you mean 'qualities'"):
        store.insert("quality", qualities(["a"]))
    with pytest.raises(UnknownName, match="Did you mean 'value'"):
        store.insert(
            "qualities", qualities(["a"]).rename_columns(["candidate_id", "measure", "val"])
        )
    with pytest.raises(BadValue, match="keep, replace or refuse"):
        store.insert("qualities", qualities(["a"]), "overwrite")


def test_an_exception_undoes_the_whole_transaction(store):
    with pytest.raises(RuntimeError), store.writing() as db:
        db.execute("insert into llms (llm) values ('gone')")
        raise RuntimeError
    assert store.query("select * from llms").num_rows == 0


def test_readers_cannot_write(store):
    with pytest.raises(duckdb.Error, match="read-only"), store.reading() as db:
        db.execute("insert into llms (llm) values ('no')")


def test_missing_foreign_and_newer_files_are_refused(tmp_path, store):
    with pytest.raises(StoreMissing, match="workbench ingest"):
        Store(tmp_path / "nowhere.duckdb")
    (tmp_path / "text.duckdb").write_text("no database" * 1000)
    with pytest.raises(StoreVersion, match="not a store"):
        Store(tmp_path / "text.duckdb")
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    with pytest.raises(StoreVersion, match="no table 'meta'"):
        Store(tmp_path / "other.duckdb")
    with store.writing() as db:
        db.execute("update meta set value = '99' where name = 'schema_version'")
    with pytest.raises(StoreVersion, match="schema version 99"):
        Store(store.path)


def test_creating_an_existing_store_keeps_its_rows(store):
    store.insert("qualities", qualities(["a"]))
    assert Store.create(store.path).query("select * from qualities").num_rows == 1
    assert [p.name for p in store.path.parent.iterdir()] == [store.path.name]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.parquet", "empty.duckdb"])
def test_a_file_of_another_format_is_named_as_no_store(tmp_path, name):
    (tmp_path / name).write_text("" if name.startswith("empty") else '{"a": 1}\n' * 100)
    for opening in (Store, Store.create):
        with pytest.raises(StoreVersion, match=rf"{name} is not a store"):
            opening(tmp_path / name)


def test_another_kind_of_database_is_no_store(tmp_path):
    with sqlite3.connect(tmp_path / "lite.db") as db:
        db.execute("create table t (a)")
    db.close()
    with pytest.raises(StoreVersion, match=r"lite\.db is not a store"):
        Store(tmp_path / "lite.db")


def test_garbage_on_a_path_that_holds_the_word_lock_is_not_waited_for(tmp_path, store):
    path = tmp_path / "Could not set lock on file" / "lock.duckdb"
    path.parent.mkdir()
    path.write_bytes(store.path.read_bytes()[:5000])
    with pytest.raises(StoreUnreachable, match="cannot be opened"):
        Store(path, retry_s=3600)


def test_paths_that_cannot_be_are_told_apart(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnreachable, match="no store can be made at"):
        Store.create(tmp_path / "file" / "s.duckdb")
    with pytest.raises(StoreUnreachable, match="is a folder"):
        Store(tmp_path)
    with pytest.raises(StoreUnreachable, match="is a folder"):
        Store.create(tmp_path)
    path = Store.create(tmp_path / "s.duckdb").path

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch, pytest.raises(StoreUnreachable, match="Permission denied"):
        patch.setattr(Path, "open", refuse)
        Store(path)
    with monkeypatch.context() as patch, pytest.raises(StoreUnreachable, match="Permission denied"):
        patch.setattr(Path, "mkdir", refuse)
        Store.create(tmp_path / "folder" / "s.duckdb")


def test_a_name_that_looks_like_a_remote_database_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Store.create("md:mine").insert("qualities", qualities(["a"])) == 1
    assert (tmp_path / "md:mine").is_file()


def test_a_store_that_another_process_holds_is_busy(store):
    code = "import duckdb, sys; db = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, store.path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    holder.stdout.readline()
    with pytest.raises(StoreBusy, match="held by another process"):
        Store(store.path, retry_s=0.1)
    holder.communicate("\n")
    Store(store.path)
