"""The store: one DuckDB file, opened for one short transaction at a time.

DuckDB lets one process write or many read. Connections are therefore closed after each
transaction, and opening is retried on both sides, so that a dashboard stays open while
experiments write. A killed process leaves whole transactions only.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from workbench.errors import StoreBusy, StoreMissing, StoreUnreachable, StoreVersion
from workbench.store.gate import gate_of
from workbench.store.schema import UPGRADES, create_schema, upgrade
from workbench.store.tables import SCHEMA_VERSION, OnConflict, write_rows
from workbench.tracking.stores import know_store

_HELD = "IO Error: Could not set lock on file"
_MAGIC = (8, b"DUCK")  # offset and bytes that every DuckDB file begins with


class Store:
    """A store file that exists and has this code's schema version; an older one is upgraded.

    Args:
        path: the DuckDB file; `Store.create` makes it where it is missing.
        retry_s: seconds to go on trying while another process holds the file.
        memory_limit: DuckDB's own limit for one connection.
        upgrades: brings an older store up to date; False leaves every file as it is.

    Raises:
        StoreMissing: there is no such file.
        StoreVersion: the file is no store, or of another schema version.
        StoreUnreachable: the file may not be read, or is damaged.
        StoreBusy: another process held it for longer than `retry_s`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        retry_s: float = 60.0,
        memory_limit: str = "4GB",
        upgrades: bool = True,
    ) -> None:
        self.path = Path(path)
        self.retry_s = retry_s
        self.memory_limit = memory_limit
        self._check_file()
        self._check_version(upgrades)

    @classmethod
    def create(cls, path: str | Path, *, retry_s: float = 60.0) -> "Store":
        """Opens the store at `path`, making it with an empty schema where there is none.

        Raises:
            StoreUnreachable: the folder is not there and cannot be made, or may not be written.
        """
        path = Path(path)
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _make(path)
        except OSError as error:
            raise StoreUnreachable(f"no store can be made at {path}: {error}") from error
        return cls(path, retry_s=retry_s)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection; keep it short, writers wait for it.

        Raises:
            StoreBusy: a writer in another process did not finish within `retry_s`.
        """
        with gate_of(self.path).reading(), self._open(read_only=True) as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection inside one transaction: committed at the end, undone by any exception.

        Raises:
            StoreBusy: other processes did not let go of the file within `retry_s`.
        """
        with gate_of(self.path).writing(), self._open(read_only=False) as db:
            db.begin()
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()

    def query(self, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> pa.Table:
        """The answer to one parameterised query, in a read-only connection of its own."""
        with self.reading() as db:
            return db.sql(sql, params=parameters).to_arrow_table()

    def insert(self, table: str, rows: pa.Table, on_conflict: OnConflict = "keep") -> int:
        """Writes rows in one transaction; returns how many keys are new. See `write_rows`."""
        with self.writing() as db:
            db.register("_rows", rows)
            return write_rows(db, table, "_rows", on_conflict)

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.retry_s
        pause = 0.005
        while True:
            try:
                return duckdb.connect(
                    # Absolute, because DuckDB reads a prefix such as `md:` as a kind of database.
                    str(self.path.absolute()),
                    read_only=read_only,
                    config={"memory_limit": self.memory_limit},
                )
            except duckdb.Error as error:
                if not str(error).startswith(_HELD):
                    self._check_file()
                    raise StoreUnreachable(f"{self.path} cannot be opened: {error}") from error
                if time.monotonic() > deadline:
                    raise StoreBusy(
                        f"{self.path} was held by another process for {self.retry_s:g} s: {error}"
                    ) from error
            # Random pauses keep waiting processes from meeting again and again.
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 1.5, 0.1)

    def _check_file(self) -> None:
        """Looks at the file before DuckDB does, which would read a CSV file or load extensions."""
        offset, magic = _MAGIC
        try:
            if self.path.is_dir():
                raise StoreUnreachable(f"{self.path} is a folder, not a store")
            if not self.path.is_file():
                raise StoreMissing(f"no store at {self.path}: make one with `workbench ingest`")
            with self.path.open("rb") as file:
                head = file.read(offset + len(magic))
        except OSError as error:
            raise StoreUnreachable(f"{self.path} cannot be read: {error}") from error
        if head[offset:] != magic:
            raise StoreVersion(f"{self.path} is not a store: it is no DuckDB file")

    def _check_version(self, upgrades: bool) -> None:
        meta = self._meta()
        found = int(meta.get("schema_version", 0))
        if found in UPGRADES and not upgrades:
            raise StoreVersion(
                f"{self.path} has the older schema version {found}: "
                f"`workbench info --store {self.path}` brings it to {SCHEMA_VERSION}"
            )
        if found in UPGRADES:
            with self.writing() as db:
                found = upgrade(db)
        if found != SCHEMA_VERSION:
            raise StoreVersion(
                f"{self.path} has schema version {found}, this workbench reads and writes "
                f"{SCHEMA_VERSION}: use the workbench version that made it, or ingest anew"
            )
        know_store(self.path, meta.get("store_id"))

    def _meta(self) -> dict[str, str]:
        with self.reading() as db:
            tables = db.execute("select table_name from duckdb_tables()").fetchall()
            if ("meta",) not in tables:
                raise StoreVersion(
                    f"{self.path} is a DuckDB file, but not a store: no table 'meta'"
                )
            return dict(db.execute("select name, value from meta").fetchall())


def _make(path: Path) -> None:
    # Made aside and linked into place: no reader ever sees half a schema, and of two processes
    # that create the same store the second finds the first one's.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-store-") as aside:
        made = Path(aside) / "store.duckdb"
        with duckdb.connect(str(made)) as db:
            create_schema(db)
        with suppress(FileExistsError):
            os.link(made, path)
