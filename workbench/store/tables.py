"""The store's tables, their keys, and how rows are written so that a key stands once."""

from typing import Literal, get_args

import duckdb

from workbench.errors import BadValue, StoreConflict, UnknownName

OnConflict = Literal["keep", "replace", "refuse"]

SCHEMA_VERSION = 4
KEYS: dict[str, tuple[str, ...]] = {
    "prompts": ("prompt_id",),
    "llms": ("llm",),
    "candidates": ("candidate_id",),
    "qualities": ("candidate_id", "measure"),
    "verdicts": ("prompt_id", "left_id", "right_id", "judge"),
    "tags": ("prompt_id", "tag", "tagger"),
    "comparisons": ("ranker", "prompt_id", "left_id", "right_id"),
    "rankings": ("ranker", "scheme", "candidate_id"),
    "fusions": ("fusion_id",),
    "routes": ("router", "prompt_id", "llm"),
    "trials": ("study", "trial"),
    "results": ("run_id", "system", "dataset", "split", "slice", "measure"),
}
# DuckDB checks a primary key against rows that the same transaction has deleted, so these are
# replaced by an upsert and the others by delete and insert.
_INDEXED = {"prompts", "llms", "fusions", "trials", "results"}


def columns_of(db: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Names of a table's, view's or registered relation's columns."""
    return [row[0] for row in db.execute(f"select * from {_quoted(relation)} limit 0").description]


def write_rows(
    db: duckdb.DuckDBPyConnection, table: str, relation: str, on_conflict: OnConflict = "keep"
) -> int:
    """Writes the rows of `relation` (a view or registered object of this connection) to `table`.

    Rows whose key stands already are kept as they are, replaced, or (where another column
    differs) refused. Columns that `relation` lacks become NULL.

    Returns:
        The number of rows whose key was not in the table before.

    Raises:
        UnknownName: no such table, or a column that the table does not have.
        StoreConflict: `on_conflict="refuse"` and a row differs from the one in the store.
    """
    if table not in KEYS:
        raise UnknownName("table", table, KEYS)
    if on_conflict not in get_args(OnConflict):
        raise BadValue("on_conflict", on_conflict, "keep, replace or refuse")
    given, known = columns_of(db, relation), columns_of(db, table)
    for column in given:
        if column not in known:
            raise UnknownName(f"column of {table}", column, known)
    key = ", ".join(KEYS[table])
    columns = ", ".join(given)
    db.execute(
        f"create or replace temp table _incoming as "
        f"select {columns} from {_quoted(relation)} "
        f"qualify row_number() over (partition by {key}) = 1"
    )
    if on_conflict == "refuse":
        _refuse_changes(db, table, [c for c in given if c not in KEYS[table]])
    before = _count(db, table)
    if on_conflict == "replace" and table in _INDEXED:
        db.execute(f"insert or replace into {table} ({columns}) select {columns} from _incoming")
    else:
        if on_conflict == "replace":
            db.execute(f"delete from {table} where ({key}) in (select ({key}) from _incoming)")
        db.execute(
            f"insert into {table} ({columns}) "
            f"select {columns} from _incoming anti join {table} using ({key})"
        )
    added = _count(db, table) - before
    db.execute("drop table _incoming")
    return added


def _refuse_changes(db: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> None:
    key = KEYS[table]
    for column in columns:
        changed = db.execute(
            f"select {', '.join('old.' + k for k in key)}, old.{column}, new.{column} "
            f"from _incoming new join {table} old using ({', '.join(key)}) "
            f"where old.{column} is distinct from new.{column} limit 1"
        ).fetchone()
        if changed:
            *values, old, new = changed
            named = ", ".join(f"{k}={v}" for k, v in zip(key, values, strict=True))
            raise StoreConflict(
                f"{table} ({named}): {column} is {old!r} in the store and {new!r} in the new rows; "
                f"nothing was written"
            )


def _count(db: duckdb.DuckDBPyConnection, table: str) -> int:
    row = db.execute(f"select count(*) from {_quoted(table)}").fetchone()
    assert row is not None
    return int(row[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
