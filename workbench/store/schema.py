"""Making a store's tables and views, and bringing those of an older version up to date."""

from importlib.resources import files
from uuid import uuid4

import duckdb

from workbench.store.tables import SCHEMA_VERSION

UPGRADES = {1: "upgrade_1.sql", 2: "upgrade_2.sql", 3: "upgrade_3.sql"}
"""Schema version -> what brings it to the next one."""


def create_schema(db: duckdb.DuckDBPyConnection) -> None:
    """Makes an empty schema of this version, in one transaction."""
    db.begin()
    db.execute(_sql("schema.sql"))
    db.execute(_sql("views.sql"))
    meta = {"schema_version": str(SCHEMA_VERSION), "store_id": uuid4().hex}
    db.executemany("insert into meta values (?, ?)", list(meta.items()))
    db.commit()


def upgrade(db: duckdb.DuckDBPyConnection) -> int:
    """Brings an older schema up to date, inside the caller's transaction; returns its version.

    Rows stay as they are, and new columns are NULL. Of two processes that open the same old store
    the second finds the first one's work.
    """
    version = _version(db)
    while version in UPGRADES:
        db.execute(_sql(UPGRADES[version]))
        version += 1
        db.execute("update meta set value = ? where name = 'schema_version'", [str(version)])
    db.execute(_sql("views.sql"))
    return version


def _version(db: duckdb.DuckDBPyConnection) -> int:
    row = db.execute("select value from meta where name = 'schema_version'").fetchone()
    assert row is not None
    return int(row[0])


def _sql(name: str) -> str:
    return files("workbench.store").joinpath(name).read_text("utf-8")
