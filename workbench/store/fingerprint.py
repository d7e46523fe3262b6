"""What data a run saw: one hash over rows, whatever order the file holds them in."""

from collections.abc import Sequence

from workbench.store.store import Store


def fingerprint(
    store: Store, sql: str, parameters: Sequence[object] | dict[str, object] = ()
) -> str:
    """A hash over all rows of a query (16 hex digits and their count), independent of order.

    md5 rather than DuckDB's own `hash`, whose values may change between versions.
    """
    table = store.query(
        f"""
        select count(*) as n,
               bit_xor(md5_number(row::varchar)) % 18446744073709551616 as digest
        from ({sql}) as row
        """,
        parameters,
    )
    n, digest = table["n"][0].as_py(), table["digest"][0].as_py()
    return f"{int(digest or 0):016x}-{n}"
