import csv

import pyarrow.parquet as pq
import pytest
from tiny_pipeline import content, one, rows

from workbench.errors import BadValue, StoreMissing, UnknownName
from workbench.stages.export import export


@pytest.fixture(scope="module")
def store(compared_pool):
    return compared_pool / "store.duckdb"


@pytest.mark.parametrize("table", ["prompts", "comparisons", "rankings", "best_llms"])
def test_parquet_read_back_is_the_table(store, tmp_path, table):
    done = export(store, table, tmp_path / "out.parquet")
    back = pq.read_table(tmp_path / "out.parquet")
    assert {tuple(map(str, row.values())) for row in back.to_pylist()} == content(store, table)
    assert done.rows == back.num_rows == one(store, f"select count(*) from {table}")
    assert [p.name for p in tmp_path.iterdir()] == ["out.parquet"]


def test_csv_read_back_is_the_table(store, tmp_path):
    export(store, "candidates", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        back = {(row["candidate_id"], row["llm"], row["text"]) for row in csv.DictReader(file)}
    assert back == set(rows(store, "select candidate_id, llm, text from candidates"))


def test_a_table_without_rows_gives_its_columns(store, tmp_path):
    export(store, "fusions", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().startswith("fusion_id,")


def test_a_file_that_is_there_is_kept(store, tmp_path):
    file = tmp_path / "out.csv"
    file.write_text("mine")
    with pytest.raises(BadValue, match="not there yet"):
        export(store, "llms", file)
    assert file.read_text() == "mine"
    export(store, "llms", file, force=True)
    assert "sim-iris-7b" in file.read_text()


def test_what_cannot_be_written_is_said_before(store, tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'rankings'"):
        export(store, "ranking", tmp_path / "out.csv")
    with pytest.raises(BadValue, match=r"\.parquet or \.csv"):
        export(store, "rankings", tmp_path / "out.xlsx")
    with pytest.raises(BadValue, match="folder that is there"):
        export(store, "rankings", tmp_path / "nowhere" / "out.csv")
    with pytest.raises(StoreMissing, match="workbench ingest"):
        export(tmp_path / "none.duckdb", "rankings", tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []
