"""What rankers are called where people read: the class beside the id that the tables hold."""

from workbench.store.store import Store

_PREFIX = "ranker:"


def set_label(store: Store, ranker: str, label: str) -> None:
    """Keeps a ranker's label in the store, in place of an older one."""
    with store.writing() as db:
        db.execute("delete from meta where name = ?", [_PREFIX + ranker])
        db.execute("insert into meta values (?, ?)", [_PREFIX + ranker, label])


def drop_label(store: Store, ranker: str) -> None:
    """Removes a ranker's label, where it has one."""
    with store.writing() as db:
        db.execute("delete from meta where name = ?", [_PREFIX + ranker])


def labels(store: Store) -> dict[str, str]:
    """Label of each ranker that has one."""
    rows = store.query(
        "select name, value from meta where starts_with(name, $prefix)", {"prefix": _PREFIX}
    )
    names = [name.removeprefix(_PREFIX) for name in rows["name"].to_pylist()]
    return dict(zip(names, rows["value"].to_pylist(), strict=True))
