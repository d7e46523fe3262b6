"""Whom a router asks, how often rightly, and what its choices are worth."""

import duckdb
import pyarrow as pa

from dashboards.queries.routed import take_choices
from dashboards.queries.scored import Part, table

_SHARES = """
    select llm, sum(routed) / n as routed, sum(best) / n as oracle, avg(quality) as mean_quality,
           n as prompts
    from choices cross join (select count(distinct q) as n from choices)
    group by llm, n order by oracle desc, llm
"""
_CONFUSION = """
    with counts as (
        select r.llm as routed, b.llm as best, sum(r.routed * b.best) as prompts
        from choices r join choices b using (q) where r.routed > 0 and b.best > 0 group by all
    )
    select routed, best, prompts, prompts / sum(prompts) over (partition by routed) as share
    from counts order by all
"""
_QUALITY = """
    select system, avg(quality) as quality, stddev_samp(quality) / sqrt(count(*)) as error,
           count(*) as prompts
    from (unpivot outcomes on oracle, router, best_single, random
          into name system value quality)
    group by system order by quality desc
"""
_GAIN = """
    select avg(router - best_single) as gain, count(router - best_single) as prompts,
           stddev_samp(router - best_single) / sqrt(count(router - best_single)) as error,
           avg(hit) as hit, count(hit) as differing
    from outcomes
"""
_CATEGORIES = """
    select category, avg(router) as router, avg(best_single) as best_single,
           avg(oracle) as oracle, avg(router - best_single) as gain,
           stddev_samp(router - best_single) / sqrt(count(*)) as error, count(*) as prompts
    from outcomes group by category having gain is not null order by gain desc, category
"""


def routing(
    db: duckdb.DuckDBPyConnection, part: Part, router: str, measure: str
) -> dict[str, pa.Table]:
    """What a router chooses, over a sample of the prompts that it has routed.

    Returns:
        shares: llm, share of prompts routed to it, oracle (share on which it is best; ties split),
            mean_quality, prompts.
        confusion: routed LLM, best LLM, prompts, share of those routed so.
        quality: system (router, best_single, oracle, random), mean quality, standard error.
        gain: mean of router minus best_single, prompts, standard error, hit (share of prompts on
            which a best LLM is asked, of those `differing` on which qualities do).
        categories: category, quality of router, best_single and oracle, gain, standard error.
        sizes, best_single: of `take_choices`.
    """
    told = take_choices(db, part, router, measure)
    asked = {
        "shares": _SHARES,
        "confusion": _CONFUSION,
        "quality": _QUALITY,
        "gain": _GAIN,
        "categories": _CATEGORIES,
    }
    return told | {name: table(db, sql) for name, sql in asked.items()}
