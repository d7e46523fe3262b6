"""What is known of the LLMs of a store: how large they are and what they cost."""

import duckdb

FACTS = ("parameters_b", "usd_per_mtok_in", "usd_per_mtok_out")
"""Columns of `llms`: billions of parameters, USD per million tokens."""


def fill_facts(db: duckdb.DuckDBPyConnection, relation: str, *, over: bool = False) -> None:
    """Writes facts of LLMs that the store holds; what is NULL in `relation` changes nothing.

    Args:
        db: a connection that writes.
        relation: a view or registered object with the columns llm and FACTS.
        over: in place of what is known; else only what is not known yet is written.
    """
    taken = "coalesce(new.{0}, llms.{0})" if over else "coalesce(llms.{0}, new.{0})"
    sets = ", ".join(f"{fact} = {taken.format(fact)}" for fact in FACTS)
    db.execute(f'update llms set {sets} from "{relation}" new where llms.llm = new.llm')
