"""Export: any table or view of the store -> Parquet or CSV."""

import os
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from workbench.errors import BadValue, UnknownName
from workbench.store.store import Store


@dataclass
class Exported:
    """How many rows went where."""

    table: str
    rows: int
    path: Path

    def __rich__(self) -> Text:
        return Text(f"{self.rows:,} rows of {self.table} written to {self.path}")


def export(store: Path, table: str, to: Path, force: bool = False) -> Exported:
    """Copies a table or view to a file.

    Args:
        store: DuckDB file.
        table: name of a table or view; `workbench info` and the README list them.
        to: file to write; its ending, .parquet or .csv, tells the format.
        force: overwrite a file that is there.

    Raises:
        UnknownName: no such table or view.
        BadValue: another ending, no such folder, or the file is there.
    """
    if to.suffix not in (".parquet", ".csv"):
        raise BadValue("to", str(to), "a file ending in .parquet or .csv")
    if to.exists() and not force:
        raise BadValue("to", str(to), "a file that is not there yet, or --force true")
    if not to.parent.is_dir():
        raise BadValue("to", str(to), "a file in a folder that is there")
    opened = Store(store)
    with opened.reading() as db:
        names = db.execute(
            "select table_name from information_schema.tables where table_schema = 'main'"
        ).fetchall()
        if (table,) not in names:
            raise UnknownName("table or view", table, [name for (name,) in names])
        relation = db.table(table)
        count = relation.aggregate("count(*)").fetchall()[0]
        # Written aside first: a kill leaves no half file under the name that was asked for.
        aside = to.with_name(f".{to.name}.part")
        if to.suffix == ".parquet":
            relation.write_parquet(str(aside))
        else:
            relation.write_csv(str(aside))
    os.replace(aside, to)
    return Exported(table, int(count[0]), to)
