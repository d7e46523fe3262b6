"""Which LLM is best: how often, on which categories, and on which rank else."""

import duckdb
import pyarrow as pa

from dashboards.queries.scored import Part, Scorer, table, take_scored

# A prompt on which n LLMs tie for the best, or for the worst, counts 1/n for each.
_LED = """
    create or replace temp table led as
    with ends as (
        select prompt_id, max(score) as highest, min(score) as lowest, avg(score) as middle
        from scored group by prompt_id
    ), told as (
        select prompt_id, llm, category, score, score - middle as lead,
               score = highest as first, score = lowest as last
        from scored join ends using (prompt_id)
    ), sizes as (
        select prompt_id, 1 / count_if(first) as at_first, 1 / count_if(last) as at_last
        from told group by prompt_id
    )
    select llm, category, count(*) as answered, sum(score) as score, sum(lead) as lead,
           coalesce(sum(at_first) filter (first), 0) as won,
           coalesce(sum(at_last) filter (last), 0) as lost
    from told join sizes using (prompt_id) group by all
"""
_SHARES = """
    select llm, sum(won) / any_value(n) as share, any_value(n) as prompts,
           sum(answered)::bigint as answered, sum(score) / sum(answered) as mean_score
    from led cross join (select count(distinct prompt_id) as n from scored)
    group by llm order by share desc, llm
"""
_HEAT = """
    select category, llm, won / n as best, lost / n as worst, lead / answered as lead,
           n as prompts, answered, score / answered as mean_score
    from led
    join (select category, count(distinct prompt_id) as n from scored group by category)
      using (category)
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
        heat: category, llm, shares of the category's prompts on which it is best and worst, lead
            (mean of its score less the mean of all LLMs' on the same prompt), prompts, answered,
            mean_score.
        ranks: llm, rank, prompts on which it has that rank.
    """
    take_scored(db, part, scorer)
    db.execute(_LED)
    return {"shares": table(db, _SHARES), "heat": table(db, _HEAT), "ranks": table(db, _RANKS)}
