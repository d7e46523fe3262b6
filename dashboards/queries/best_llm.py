"""Which LLM is best: how often, on which categories, and on which rank else."""

import duckdb
import pyarrow as pa

from dashboards.queries.scored import Part, Scorer, table, take_scored

# A prompt on which n LLMs tie for the best counts 1/n for each.
_WINS = """
    create or replace temp table wins as
    with top as (select prompt_id, max(score) as best from scored group by prompt_id),
    first as (
        select prompt_id, llm, category from scored join top using (prompt_id) where score = best
    ),
    sizes as (select prompt_id, count(*) as tied from first group by prompt_id)
    select llm, category, sum(1 / tied) as won
    from first join sizes using (prompt_id) group by llm, category
"""
_SHARES = """
    select llm, coalesce(sum(won), 0) / any_value(n) as share, any_value(n) as prompts,
           any_value(answered) as answered, any_value(mean) as mean_score
    from (select llm, count(*) as answered, avg(score) as mean from scored group by llm)
    cross join (select count(distinct prompt_id) as n from scored)
    left join wins using (llm) group by llm order by share desc, llm
"""
_HEAT = """
    select category, llm, coalesce(won, 0) / n as share, n as prompts, mean as mean_score
    from (select category, llm, avg(score) as mean from scored group by all)
    join (select category, count(distinct prompt_id) as n from scored group by category)
      using (category)
    left join wins using (category, llm)
    order by category, llm
"""
# Equal scores share a rank, as in the table `rankings`.
_RANKS = """
    select llm, place as rank, count(*) as prompts
    from (select llm, rank() over (partition by prompt_id order by score desc) as place from scored)
    group by all order by all
"""


def best_llms(db: duckdb.DuckDBPyConnection, part: Part, scorer: Scorer) -> dict[str, pa.Table]:
    """Who is best by a scorer.

    Returns:
        shares: llm, share of the prompts on which it is best, prompts, answered (on how many of
            them it has a score), mean_score (over these).
        heat: category, llm, share, prompts, mean_score.
        ranks: llm, rank, prompts on which it has that rank.
    """
    take_scored(db, part, scorer)
    db.execute(_WINS)
    return {"shares": table(db, _SHARES), "heat": table(db, _HEAT), "ranks": table(db, _RANKS)}
