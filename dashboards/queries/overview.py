"""What a store holds: its pool, its prompts, what has been measured, and what systems are worth."""

import duckdb
import pyarrow as pa

from dashboards.queries.scored import Part, table

_SIZES = """
    select (select count(*) from prompts) as prompts, (select count(*) from llms) as llms,
           (select count(*) from candidates) as candidates,
           (select count(*) from qualities) as qualities,
           (select count(*) from comparisons) as comparisons,
           (select count(*) from fusions) as fusions, (select count(*) from routes) as routes,
           (select count(*) from results) as results, (select count(*) from trials) as trials
"""
# Temporary: it lives in this connection's memory and dies with it; the store is not written.
_ASKED = """
    create or replace temp table asked as
    select prompt_id from prompts
    where ($datasets is null or list_contains($datasets, dataset))
      and ($splits is null or list_contains($splits, split))
      and ($categories is null or list_contains($categories, coalesce(category, '')))
"""
# With nothing chosen, all candidates count: that saves the join.
_ALL = "create or replace temp view few as select * from candidates"
_SOME = """
    create or replace temp view few as select * from candidates semi join asked using (prompt_id)
"""
_POOL = """
    select llm, coalesce(candidates, 0) as candidates, decodings, parameters_b, usd_per_mtok_in,
           usd_per_mtok_out, characters, tokens
    from llms full join (
        select llm, count(*) as candidates, count(distinct decoding) as decodings,
               round(avg(length(text)), 1) as characters,
               round(avg(tokens_out), 1) as tokens
        from few group by llm
    ) using (llm)
    order by llm
"""
_PROMPTS = """
    select dataset, split, count(*) as prompts,
           count(reference) / count(*) as with_reference,
           count(distinct category) as categories
    from prompts semi join asked using (prompt_id) group by all order by all
"""
_COVERAGE = """
    with found as (
        select llm, measure, count(*) as measured
        from qualities join few using (candidate_id) group by all
    ), pool as (select llm, count(*) as candidates from few group by llm)
    select llm, measure, coalesce(measured, 0) as measured, candidates,
           coalesce(measured, 0) / candidates as share
    from pool cross join (select distinct measure from found)
    left join found using (llm, measure)
    order by llm, measure
"""
_EVALUATED = """
    select measure, dataset, split, count(distinct system) as systems, max(n) as prompts
    from figures where figure = 'quality' and slice = 'all'
    group by measure, dataset, split
    order by contains(measure, '@'), measure, dataset, split
"""
# A row's place in the table tells which run has written last, wherever the runs themselves are.
_LEADERBOARD = """
    with written as (select run_id, max(rowid) as place from results group by run_id),
    told as (
        select system, figure, value, low, high, n, run_id, place
        from figures join written using (run_id)
        where figure in ('quality', 'vs_best_single') and measure = $measure
          and dataset = $dataset and split = $split and slice = $slice
    ), latest as (
        select system, figure, unnest(arg_max(
            struct_pack(value := value, low := low, high := high, n := n, run_id := run_id), place
        )) from told group by system, figure
    )
    select q.system, q.value as quality, q.low, q.high, d.value as vs_best_single,
           d.low as vs_low, d.high as vs_high, q.n as prompts, q.run_id
    from (from latest where figure = 'quality') q
    left join (from latest where figure = 'vs_best_single') d using (system, run_id)
    order by quality desc, system
    limit $most
"""
_LABELS = """
    select substr(name, 8) as id, value as label from meta
    where starts_with(name, 'ranker:') order by id
"""


def sizes(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row: how many prompts, llms, candidates, qualities, comparisons and so on there are."""
    return table(db, _SIZES)


def pool(db: duckdb.DuckDBPyConnection, part: Part) -> dict[str, pa.Table]:
    """The pool on the chosen prompts.

    Returns:
        llms: llm, candidates, decodings (ways of generating), parameters_b, usd_per_mtok_in,
            usd_per_mtok_out, and mean characters and tokens of its answers.
        prompts: dataset, split, prompts, with_reference (a share), categories.
    """
    _take(db, part)
    return {"llms": table(db, _POOL), "prompts": table(db, _PROMPTS)}


def coverage(db: duckdb.DuckDBPyConnection, part: Part) -> pa.Table:
    """llm, measure, measured, candidates, share: how many candidates each measure has measured."""
    _take(db, part)
    return table(db, _COVERAGE)


def evaluated(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """measure, dataset, split, systems, prompts: where qualities of systems are told."""
    return table(db, _EVALUATED)


def leaderboard(
    db: duckdb.DuckDBPyConnection, measure: str, dataset: str, split: str, slice: str, most: int
) -> pa.Table:
    """Systems by quality, the best first, each by the evaluation that was written last.

    Columns: system, quality, low, high, vs_best_single, vs_low, vs_high, prompts, run_id.
    """
    given = {"measure": measure, "dataset": dataset, "split": split, "slice": slice, "most": most}
    return table(db, _LEADERBOARD, given)


def labels(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """id, label: what rankers, fusers and routers are called."""
    return table(db, _LABELS)


def _take(db: duckdb.DuckDBPyConnection, part: Part) -> None:
    """Makes the temporary `asked`, the prompts of the part, and `few`, their candidates."""
    db.execute(_ASKED, part.parameters)
    db.execute(_SOME if part != Part() else _ALL)
