"""Do rankers with their schemes order answers as a measure does?"""

import duckdb
import pyarrow as pa

from dashboards.queries.sampled import not_of_test, take_chosen, take_measured_sample, take_singles
from dashboards.queries.scored import Part, table

PROMPTS = 2_000
"""Looked at, at most: pairs grow with the square of the candidates, times the schemes."""

_EVERY = """
    create or replace temp table every as
    select prompt_id from chosen semi join rankings using (prompt_id)
"""
# Candidates without a quality leave the pool, as in `workbench.evaluation`.
_RANKED = """
    create or replace temp table ranked as
    select r.ranker, r.scheme, r.prompt_id, r.candidate_id, r.score, q.value
    from rankings r semi join asked using (prompt_id)
    join qualities q on q.candidate_id = r.candidate_id and q.measure = $measure
    where isfinite(q.value)
"""
# Of pairs of unequal quality; equal scores are half right. The standard error is over prompts,
# whose pairs hang together.
_ORDERED = """
    with prompts as (
        select a.ranker, a.scheme, a.prompt_id, count(*) as pairs,
               sum(case when a.score > b.score then 1.0 when a.score = b.score then 0.5 else 0 end)
                 as alike
        from ranked a join ranked b using (ranker, scheme, prompt_id)
        where a.value > b.value group by all
    ), sums as (
        select ranker, scheme, count(*) as n, sum(pairs) as pairs, sum(alike) / sum(pairs) as share,
               sum(alike * alike) as aa, sum(alike * pairs) as ap, sum(pairs * pairs) as pp
        from prompts group by all
    )
    select ranker, scheme, share, pairs, n as prompts,
           case when n > 1 then sqrt(greatest(aa - 2 * share * ap + share * share * pp, 0)
                                     * n / (n - 1)) / pairs end as error
    from sums order by all
"""
_PICKS = """
    with picked as (
        select ranker, scheme, prompt_id, avg(value) as quality
        from (select * from ranked
              qualify score = max(score) over (partition by ranker, scheme, prompt_id))
        group by all
    )
    select ranker, scheme, avg(quality) as quality, count(*) as prompts,
           stddev_samp(quality) / sqrt(count(*)) as error
    from picked group by all order by all
"""
_BESIDE = """
    with answers as (
        select prompt_id, llm, avg(value) as value
        from (select distinct prompt_id, candidate_id, value from ranked)
        join (select candidate_id, llm from candidates semi join asked using (prompt_id))
          using (candidate_id) group by all
    ), prompts as (
        select prompt_id, max(value) as oracle, avg(value) as random,
               arg_min(value, coalesce(place, 1e9))
                 filter (exists (select 1 from singles)) as best_single
        from answers left join singles using (llm) group by prompt_id
    )
    select system, avg(value) as quality from (
        select unnest(['Oracle', 'BestSingle', 'Random']) as system,
               unnest([oracle, best_single, random]) as value from prompts)
    where value is not null group by system order by quality desc
"""


def agreement(db: duckdb.DuckDBPyConnection, part: Part, measure: str) -> dict[str, pa.Table]:
    """How each ranker with each scheme agrees with a measure, over a sample of prompts.

    Returns:
        ordered: ranker, scheme, share of pairs of unequal quality that it orders as the measure
            does, pairs, prompts, standard error over prompts.
        picks: ranker, scheme, mean quality of its pick, prompts, standard error.
        beside: mean quality of Oracle, BestSingle and Random on all these prompts.
        best_single: llm and its mean on validation.
        sizes: prompts looked at, of how many.
        seen: how many of them are not of test.
    """
    take_chosen(db, part)
    db.execute(_EVERY)
    sizes = take_measured_sample(db, PROMPTS, measure)
    db.execute(_RANKED, {"measure": measure})
    best_single = take_singles(db, part, measure)
    return {
        "ordered": table(db, _ORDERED),
        "picks": table(db, _PICKS),
        "beside": table(db, _BESIDE),
        "best_single": best_single,
        "sizes": sizes,
        "seen": not_of_test(db),
    }
