"""What the tags under a tagger's name come from: one name stands for one content.

The name of a tagger holds a label, which two files, encoders or LLMs may share.
"""

from typing import TYPE_CHECKING

import duckdb

from workbench.errors import StoreConflict
from workbench.store.store import Store

if TYPE_CHECKING:
    from workbench.routing.tagger import Tagger

_PREFIX = "tagger:"


def check_tagger(store: Store, tagger: "Tagger") -> None:
    """Raises StoreConflict where the tags under the tagger's name are another one's."""
    with store.reading() as db:
        _refuse_another(db, tagger)


def keep_tagger(store: Store, tagger: "Tagger") -> None:
    """Notes what the tags under the tagger's name come from; raises as `check_tagger`."""
    with store.writing() as db:
        _refuse_another(db, tagger)
        for name in {tagger.name, tagger.source}:
            db.execute(
                "insert or replace into meta values (?, ?)", [_PREFIX + name, tagger.content()]
            )


def drop_taggers(db: duckdb.DuckDBPyConnection) -> None:
    """Forgets what tags came from of which there are none left, so that their names are free."""
    db.execute(
        "delete from meta where starts_with(name, $prefix) "
        "and name not in (select distinct $prefix || tagger from tags)",
        {"prefix": _PREFIX},
    )


def _refuse_another(db: duckdb.DuckDBPyConnection, tagger: "Tagger") -> None:
    for name in {tagger.name, tagger.source}:
        there = db.execute("select 1 from tags where tagger = ? limit 1", [name]).fetchone()
        known = db.execute("select value from meta where name = ?", [_PREFIX + name]).fetchone()
        before = known[0] if known else "unknown, brought in with the prompts"
        if there and before != tagger.content():
            raise StoreConflict(
                f"the tags by {name} in the store come from another tagger (content {before}) than "
                f"this one (content {tagger.content()}): its file, model, options or training "
                "prompts have changed. Give it another name with --tagger.label NAME, or "
                "`workbench forget` the run that tagged them"
            )
