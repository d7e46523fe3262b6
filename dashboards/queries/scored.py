"""Which prompts are looked at, and who says how good each LLM's answer to them is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

KINDS = ("measure", "ranker", "router")
"""What may score: the view `scored_llms` holds all three."""

# Measures that came with the answers, such as people's, before those that are computed, whose names
# tell a version: the first is what the pages show unasked.
_SCORERS = """
    from (
        select 'measure' as kind, measure as scorer, '' as scheme, null as label
        from (select measure, count(*) as all_of from qualities group by measure)
        left join (select measure, count(*) as fused
                   from qualities semi join fusions on fusion_id = candidate_id group by measure)
          using (measure)
        where all_of > coalesce(fused, 0)  -- measured candidates, not fusions alone
        union all
        select 'ranker', ranker, scheme, m.value
        from (select distinct ranker, scheme from rankings) r
        left join meta m on m.name = 'ranker:' || r.ranker
        union all
        select 'router', router, '', m.value
        from (select distinct router from routes) r
        left join meta m on m.name = 'ranker:' || r.router
    )
    order by kind, contains(scorer, '@') and kind = 'measure', scorer, scheme
"""
_PARTS = """
    select dataset, split, coalesce(category, '') as category, count(*) as prompts
    from prompts group by all order by all
"""
# Temporary: it lives in this connection's memory and dies with it; the store is not written.
_SCORED = """
    create or replace temp table scored as
    select prompt_id, category, llm, score
    from scored_llms
    where kind = $kind and scorer = $scorer and scheme = $scheme and isfinite(score)
      and ($datasets is null or list_contains($datasets, dataset))
      and ($splits is null or list_contains($splits, split))
      and ($categories is null or list_contains($categories, category))
"""
# Fewer bits than answers: an LLM has answered a prompt more than once (or LLMs 120 apart share a
# bit). Grouping by LLM where no prompt has that would take half as long as all the rest.
_AGAIN = """
    with llms as materialized (
        select llm, row_number() over ()::usmallint as i from (select distinct llm from scored)
    )
    select prompt_id from scored join llms using (llm)
    group by prompt_id having bit_count(bit_or(1::hugeint << (i % 120))) < count(*) limit 1
"""
_BEST = """
    create or replace temp table scored as
    select prompt_id, any_value(category) as category, llm, max(score) as score
    from scored group by prompt_id, llm
"""


@dataclass(frozen=True)
class Part:
    """Which prompts are looked at; an empty tuple takes all."""

    datasets: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of $datasets, $splits and $categories; None takes all."""
        return {
            "datasets": list(self.datasets) or None,
            "splits": list(self.splits) or None,
            "categories": list(self.categories) or None,
        }


@dataclass(frozen=True)
class Scorer:
    """Who says how good an answer is: `kind`, `scorer` and `scheme` of the view `scored_llms`."""

    kind: str
    scorer: str
    scheme: str = ""


def table(
    db: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> pa.Table:
    """The answer to a query."""
    return db.sql(sql, params=dict(parameters or {})).to_arrow_table()


def scorers(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """Who has scored anything: kind, scorer, scheme, and label where it has one."""
    return table(db, _SCORERS)


def parts(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """Number of prompts by dataset, split and category ('' where there is none)."""
    return table(db, _PARTS)


def take_scored(db: duckdb.DuckDBPyConnection, part: Part, scorer: Scorer) -> None:
    """Makes the temporary table `scored` for the questions that follow in this connection.

    Its columns: prompt_id, category, llm, score: a row a prompt and LLM. Of several answers of an
    LLM to a prompt the best counts; a score that is no number is no score.
    """
    given = {"kind": scorer.kind, "scorer": scorer.scorer, "scheme": scorer.scheme}
    db.execute(_SCORED, part.parameters | given)
    if db.execute(_AGAIN).fetchall():
        db.execute(_BEST)
