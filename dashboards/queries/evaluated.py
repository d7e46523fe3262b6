"""Figures that evaluations have written, each with its run."""

import duckdb
import pyarrow as pa

from dashboards.queries.scored import Part, table

# Several runs may have looked at the same: the last one is told, on all pages. A row's place in the
# table tells which has written last.
_FIGURES = """
    select run_id, system, dataset, split, slice, figure, value, low, high, n
    from figures join (select run_id, max(rowid) as place from results group by run_id)
      using (run_id)
    where measure = $measure and regexp_full_match(figure, $pattern)
      and ($datasets is null or list_contains($datasets, dataset))
      and ($splits is null or list_contains($splits, split))
      and case when $categories is null then slice = 'all'
               else starts_with(slice, 'category=') and list_contains($categories, slice[10:]) end
    qualify row_number() over (
        partition by system, dataset, split, slice, figure order by place desc) = 1
    order by dataset, split, slice, system, figure
"""
# Of each dataset, split and slice the run with most routes: costs and qualities of one run are
# over the same prompts.
_ROUTES = """
    with told as (
        select * from figures
        where measure = $measure and (starts_with(system, 'route:') or starts_with(system, 'llm:'))
          and (figure in ('quality', 'cost_known') or starts_with(figure, 'cost['))
          and ($datasets is null or list_contains($datasets, dataset))
          and ($splits is null or list_contains($splits, split))
          and case when $categories is null then slice = 'all'
                   else starts_with(slice, 'category=')
                        and list_contains($categories, slice[10:]) end
    ), runs as (
        select run_id, dataset, split, slice, max(n) as most,
               count(distinct system) filter (starts_with(system, 'route:')) as routes
        from told join (select run_id, max(rowid) as place from results group by run_id)
          using (run_id)
        group by run_id, dataset, split, slice having routes > 0
        qualify row_number() over (
            partition by dataset, split, slice order by routes desc, most desc, max(place) desc) = 1
    )
    select run_id, system, dataset, split, slice,
           max(value) filter (figure = 'quality') as quality,
           max(low) filter (figure = 'quality') as low,
           max(high) filter (figure = 'quality') as high,
           max(value) filter (starts_with(figure, 'cost[')) as cost,
           max(value) filter (figure = 'cost_known') as cost_known,
           max(regexp_extract(figure, '^cost\\[(.*)\\]$', 1)) as unit,
           max(told.n) as prompts
    from told semi join runs using (run_id, dataset, split, slice)
    group by all order by dataset, split, slice, system
"""


def figures(db: duckdb.DuckDBPyConnection, part: Part, measure: str, pattern: str) -> pa.Table:
    """Figures by a measure ('' for those that depend on none) whose whole names match a pattern.

    Of prompts of all categories, or those of the part.

    Returns:
        run_id, system, dataset, split, slice, figure, value, low, high, n.
    """
    return table(db, _FIGURES, part.parameters | {"measure": measure, "pattern": pattern})


def evaluated_routes(db: duckdb.DuckDBPyConnection, part: Part, measure: str) -> pa.Table:
    """Routes and single LLMs as one run has evaluated them: run_id, system, dataset, split, slice,
    quality, low, high, cost, cost_known (share of prompts), unit, prompts."""
    return table(db, _ROUTES, part.parameters | {"measure": measure})
