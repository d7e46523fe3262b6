"""Which model the values of a measure come from: one name stands for one content.

The name of a measure with a model holds the model's label, which two models may share.
"""

import duckdb

from workbench.errors import StoreConflict
from workbench.store.store import Store

_PREFIX = "measure:"


def check_content(store: Store, measure: str, content: str) -> None:
    """Whether values of this measure may come from a model.

    Args:
        store: where the values are.
        measure: its name.
        content: hash over the model's files, and what else its values depend on.

    Raises:
        StoreConflict: the store holds values under this name that come from another content.
    """
    with store.reading() as db:
        _refuse_another(db, measure, content)


def keep_content(store: Store, measure: str, content: str) -> None:
    """Notes the content that a measure's values come from; raises as `check_content`."""
    with store.writing() as db:
        _refuse_another(db, measure, content)
        db.execute("insert or replace into meta values (?, ?)", [_PREFIX + measure, content])


def drop_contents(db: duckdb.DuckDBPyConnection, measures: list[str]) -> None:
    """Removes the contents of those measures that have no values, so that names are free again."""
    db.execute(
        "delete from meta where name in (select $prefix || m from unnest($measures) t(m) "
        "where m not in (select measure from qualities))",
        {"prefix": _PREFIX, "measures": measures},
    )


def _refuse_another(db: duckdb.DuckDBPyConnection, measure: str, content: str) -> None:
    there = db.execute("select 1 from qualities where measure = ? limit 1", [measure]).fetchone()
    known = db.execute("select value from meta where name = ?", [_PREFIX + measure]).fetchone()
    before = known[0] if known else "unknown, brought in with the answers"
    if there and before != content:
        raise StoreConflict(
            f"the values of {measure} in the store come from another model (content {before}) than "
            f"this one (content {content}): give it another name with --model.label NAME, or "
            "`workbench forget` the run that measured them"
        )
