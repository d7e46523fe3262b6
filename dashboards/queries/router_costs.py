"""What quality a cost buys: routers beside the single LLMs, on the same prompts."""

import duckdb
import pyarrow as pa

from dashboards.queries.routed import take_choices
from dashboards.queries.scored import Part, table

_UNITS = """
    select unit from (
        select 1 as place, 'usd' as unit from candidates c left join llms l using (llm)
        where coalesce(usd, (tokens_in * usd_per_mtok_in + tokens_out * usd_per_mtok_out) / 1e6)
              is not null
        union select 2, 'tokens' from candidates where tokens_out is not null
        union select 3, 'parameters' from llms where parameters_b is not null
    ) order by place
"""
_LLMS = """
    select 'llm' as kind, llm as id, avg(quality) as quality,
           stddev_samp(quality) / sqrt(count(*)) as error, avg(cost) as cost,
           count(*) as prompts, count(cost) as cost_known
    from choices group by llm order by cost, llm
"""
# A cost is known where those of all LLMs are that may be asked.
_ROUTERS = """
    with told as (
        select router, q, quality, cost,
               case when routes.utility = max(routes.utility) over w then 1 else 0 end as top
        from routes join asked using (prompt_id) join choices using (q, llm)
        window w as (partition by router, q)
    ), outcomes as (
        select router, q, avg(quality) as quality,
               case when count(*) = count(cost) then avg(cost) end as cost
        from told where top = 1 group by router, q
    )
    select 'router' as kind, router as id, avg(quality) as quality,
           stddev_samp(quality) / sqrt(count(*)) as error, avg(cost) as cost,
           count(*) as prompts, count(cost) as cost_known
    from outcomes group by router order by cost, router
"""


def cost_units(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """The units in which any cost is known: usd, tokens, parameters (billions), in this order."""
    return table(db, _UNITS)


def cost_quality(
    db: duckdb.DuckDBPyConnection, part: Part, router: str, measure: str, unit: str
) -> dict[str, pa.Table]:
    """Mean cost and quality over a sample of the prompts that a router has routed.

    Returns:
        points: kind (`llm`, or `router`: what its highest utility chooses), id, mean quality,
            standard error, mean cost over the prompts on which it is known, prompts answered,
            cost_known (on how many).
        sizes, best_single: of `take_choices`.
    """
    told = take_choices(db, part, router, measure, unit)
    return told | {"points": pa.concat_tables([table(db, _LLMS), table(db, _ROUTERS)])}
