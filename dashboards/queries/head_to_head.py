"""Which LLM beats which, and for two of them: how often, where, and by how much."""

from dataclasses import asdict

import duckdb
import pyarrow as pa

from dashboards.queries.duel import Duel, take_duel
from dashboards.queries.scored import Part, Scorer, table

# Small numbers for LLMs and a list a prompt: half the time of a join of the scores with themselves.
# Only prompts with several answers of an LLM, known by fewer bits than answers, are grouped once
# more, for the best of them. (Of LLMs 120 apart, which share a bit, this is done for nothing.)
_WIN_RATES = """
    with llms as materialized (
        select llm, row_number() over (order by llm)::usmallint as i
        from (select llm from candidates union select llm from routes)
    ), lists as materialized (
        select prompt_id, list(i) as who, list(score) as scores,
               bit_count(bit_or(1::hugeint << (i % 120))) < count(*) as again
        from scored_llms join llms using (llm)
        where kind = $kind and scorer = $scorer and scheme = $scheme and isfinite(score)
          and ($datasets is null or list_contains($datasets, dataset))
          and ($splits is null or list_contains($splits, split))
          and ($categories is null or list_contains($categories, category))
        group by prompt_id
    ), several as (
        select prompt_id, unnest(who) as i, unnest(scores) as score
        from lists where again
    ), best as (
        select prompt_id, i, max(score) as score from several group by all
    ), single as (
        select who, scores from lists where not again
        union all
        select list(i), list(score) from best group by prompt_id
    ), first as (
        select who, scores, unnest(who) as i, unnest(scores) as x from single
    ), pairs as (
        select i, x, unnest(who) as j, unnest(scores) as y from first
    ), counts as (
        select i, j, count(*) as prompts, count_if(x > y)::bigint as wins,
               count_if(x = y)::bigint as ties
        from pairs where i < j group by all
    ), sides as (
        select i, j, prompts, wins, ties from counts
        union all
        select j, i, prompts, prompts - wins - ties, ties from counts
    )
    select r.llm as "row", c.llm as "column", (wins + ties / 2) / prompts as share, prompts, wins,
           ties
    from sides join llms r on r.i = sides.i join llms c on c.i = sides.j
    order by avg(share) over (partition by r.llm) desc, "row", "column"
"""
_TOTAL = """
    select count(*) as prompts, count_if(won = 1)::bigint as a_wins,
           count_if(won = 0)::bigint as b_wins, count_if(won = 0.5)::bigint as ties,
           avg(won) as share, avg(gap) as mean_gap
    from duel
"""
# No more bins than values, that whole numbers do not look like a comb.
_SCORES = """
    with scores as (
        select $a as llm, a_score as score from duel union all select $b, b_score from duel
    ), ends as (
        select min(score) as low, max(score) as high,
               least($bins, count(distinct score)) as bins from scores
    ), steps as (
        select bins, case when high > low then low else low - 0.5 end as low,
               case when high > low then (high - low) / bins else 1 end as width from ends
    )
    select llm, low + width * bin as "from", low + width * (bin + 1) as "to",
           count(*) as prompts, count(*) / (select count(*) from duel) as share
    from (select llm, low, width, least(floor((score - low) / width), bins - 1) as bin
          from scores cross join steps)
    group by all order by all
"""
# An odd number of bins around 0: ties and near ties have one of their own.
_GAPS = """
    with ends as (
        select greatest(max(abs(gap)), 1e-12) as most,
               least($bins, 2 * count(distinct abs(gap)) filter (gap <> 0) + 1) as bins from duel
    )
    select 2 * most / bins * bin - most as "from", 2 * most / bins * (bin + 1) - most as "to",
           case when 2 * bin + 1 = bins then 'about equal' when 2 * bin + 1 > bins then $a
                else $b end as better,
           count(*) as prompts, count(*) / (select count(*) from duel) as share
    from (select most, bins, least(floor((gap + most) / (2 * most) * bins), bins - 1) as bin
          from duel cross join ends)
    group by all order by all
"""
_CATEGORIES = """
    select category, avg(won) as share, count(*) as prompts, count_if(won = 1)::bigint as a_wins,
           count_if(won = 0)::bigint as b_wins, avg(gap) as mean_gap
    from duel group by category order by prompts desc, category limit $most
"""
_LARGEST_FOR_A = """
    with first as (
        select * from duel where gap > 0 order by gap desc, prompt_id limit $most
    )
    select prompt_id, left(trim(concat_ws(' ', p.instruction, p.input)), 300) as prompt,
           first.category, gap, a_score, b_score
    from first join prompts p using (prompt_id) order by gap desc, prompt_id
"""
_LARGEST_FOR_B = """
    with first as (
        select * from duel where gap < 0 order by gap, prompt_id limit $most
    )
    select prompt_id, left(trim(concat_ws(' ', p.instruction, p.input)), 300) as prompt,
           first.category, gap, a_score, b_score
    from first join prompts p using (prompt_id) order by gap, prompt_id
"""
_SCORE_BINS, _GAP_BINS = 30, 31
MOST_CATEGORIES = 30
"""Categories that `duel` tells of, those with most prompts first."""


def win_rates(db: duckdb.DuckDBPyConnection, part: Part, scorer: Scorer) -> pa.Table:
    """How often each LLM beats each other one.

    Returns:
        row, column (LLMs, those that win most first), share of their common prompts on which row
        has the higher score, ties counting half, prompts, wins, ties.
    """
    return table(db, _WIN_RATES, asdict(scorer) | part.parameters)


def duel(db: duckdb.DuckDBPyConnection, two: Duel, most: int) -> dict[str, pa.Table]:
    """Two LLMs on the prompts that both have a score for.

    Returns:
        total: prompts, a_wins, b_wins, ties, share (a's wins, ties half), mean_gap: one row.
        scores: llm, from, to, prompts, share: a histogram with the same bins for both.
        gaps: from, to, better, prompts, share: a histogram of a's score less b's.
        categories: category, share, prompts, a_wins, b_wins, mean_gap: the largest categories.
        for_a, for_b: prompt_id, prompt (its beginning), category, gap, a_score, b_score: the `most`
            prompts on which one LLM is furthest ahead.
    """
    take_duel(db, two)
    return {
        "total": table(db, _TOTAL),
        "scores": table(db, _SCORES, two.names | {"bins": _SCORE_BINS}),
        "gaps": table(db, _GAPS, two.names | {"bins": _GAP_BINS}),
        "categories": table(db, _CATEGORIES, {"most": MOST_CATEGORIES}),
        "for_a": table(db, _LARGEST_FOR_A, {"most": most}),
        "for_b": table(db, _LARGEST_FOR_B, {"most": most}),
    }
