"""Temporary tables of what a router chooses, and of what there was to choose from."""

import duckdb
import pyarrow as pa

from dashboards.queries.sampled import not_of_test, take_chosen, take_measured_sample, take_singles
from dashboards.queries.scored import Part

PROMPTS = 10_000
"""Looked at, at most."""

_EVERY = """
    create or replace temp table every as
    select prompt_id from chosen
    semi join (select prompt_id from routes where router = $router) using (prompt_id)
"""
# By LLM, over its decodings; an LLM whose answer is not measured leaves the prompt, as in
# `workbench.evaluation`. What is not known of a cost stays NULL: it is never 0.
_CELLS = """
    create or replace temp table cells as
    select q, any_value(category) as category, c.llm, avg(v.value) as quality,
           case when count(*) = count(paid) then avg(paid) end as cost
    from (
        select q, category, candidate_id, c.llm,
               case $unit
                   when 'usd' then coalesce(usd, (tokens_in * usd_per_mtok_in
                                                  + tokens_out * usd_per_mtok_out) / 1e6)
                   when 'tokens' then tokens_out when 'parameters' then parameters_b end as paid
        from candidates c join asked using (prompt_id) join chosen using (prompt_id)
        left join llms l on l.llm = c.llm
    ) c
    join qualities v using (candidate_id) where v.measure = $measure and isfinite(v.value)
    group by q, c.llm
"""
_UTILITIES = """
    create or replace temp table utilities as
    select q, llm, utility from routes join asked using (prompt_id)
    where router = $router and isfinite(utility)
"""
# `routed` is the chance to be asked and `best` to be the best: equal ones share.
_CHOICES = """
    create or replace temp table choices as
    with seen as (
        select cells.*, utility, max(utility) over w as top, max(quality) over w as most,
               min(quality) over w as least
        from cells left join utilities using (q, llm) window w as (partition by q)
    )
    select q, category, llm, quality, cost, utility, most > least as differ,
           case when utility = top then 1 / count(*) filter (utility = top) over w
                else 0 end as routed,
           case when quality = most then 1 / count(*) filter (quality = most) over w
                else 0 end as best
    from seen where top is not null window w as (partition by q)
"""
_OUTCOMES = """
    create or replace temp table outcomes as
    select q, any_value(category) as category, sum(routed * quality) as router,
           max(quality) as oracle, avg(quality) as random,
           arg_min(quality, coalesce(place, 1e9)) filter (exists (select 1 from singles))
             as best_single,
           case when any_value(differ) then sum(routed) filter (best > 0) end as hit
    from choices left join singles using (llm) group by q
"""


def take_choices(
    db: duckdb.DuckDBPyConnection, part: Part, router: str, measure: str, unit: str = "usd"
) -> dict[str, pa.Table]:
    """Makes temporary tables over a sample of the prompts that a router has routed.

    choices: q, category, llm, quality, cost, utility (NULL: not known to the router), differ
        (qualities of the prompt do), and the chances routed and best.
    outcomes: q, category, quality of what router, oracle, random and best_single choose, and hit
        (chance that a best LLM is asked; NULL where qualities do not differ).

    Returns:
        sizes: prompts looked at, of how many.
        seen: how many of them are not of test.
        best_single: llm and its mean on validation.
    """
    take_chosen(db, part)
    db.execute(_EVERY, {"router": router})
    sizes = take_measured_sample(db, PROMPTS, measure)
    db.execute(_CELLS, {"measure": measure, "unit": unit})
    db.execute(_UTILITIES, {"router": router})
    db.execute(_CHOICES)
    best_single = take_singles(db, part, measure)
    db.execute(_OUTCOMES)
    return {"sizes": sizes, "seen": not_of_test(db), "best_single": best_single}
