"""Which rankers and routers a store knows, and what they are called."""

import duckdb
import pyarrow as pa

from dashboards.queries.scored import table

_MODELS = """
    select kind, id, m.value as label
    from (
        select 'ranker' as kind, ranker as id from (select distinct ranker from comparisons)
        union select 'ranker', ranker from (select distinct ranker from rankings)
        union select 'router', router from (select distinct router from routes)
    )
    left join meta m on m.name = 'ranker:' || id
    order by kind, label, id
"""


def models(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """All rankers and routers: kind, id (mostly of the training's run), label or NULL."""
    return table(db, _MODELS)
