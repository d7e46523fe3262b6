"""Few prompts that stand for many, the same at each visit, and BestSingle."""

import duckdb
import pyarrow as pa

from dashboards.queries.scored import Part, table

BEST_SINGLE_PROMPTS = 10_000
"""Of validation, at most: enough to choose BestSingle by."""

# Temporary tables live in the connection's memory and die with it; the store is not written.
_CHOSEN = """
    create or replace temp table chosen as
    select prompt_id, split, coalesce(category, '') as category from prompts
    where ($datasets is null or list_contains($datasets, dataset))
      and ($splits is null or list_contains($splits, split))
      and ($categories is null or list_contains($categories, category))
"""
# As `workbench.evaluation.baselines.best_single`: an LLM that answered few prompts could be best
# by luck, so those measured on half of the prompts come first.
_SINGLES = """
    create or replace temp table singles as
    with held as (
        select prompt_id from prompts
        where split = 'validation' and ($datasets is null or list_contains($datasets, dataset))
        order by hash(prompt_id) limit $most
    ), answers as (
        select prompt_id, llm, value
        from candidates semi join held using (prompt_id) join qualities using (candidate_id)
        where measure = $measure
    ), means as (
        select llm, avg(value) as mean, count(distinct prompt_id) as prompts
        from answers group by llm
    ), enough as (
        select least(max(prompts), (select count(distinct prompt_id) from answers)) / 2.0 as half
        from means
    )
    select llm, mean,
           row_number() over (order by prompts >= half desc, mean desc, llm) as place
    from means cross join enough
"""
_ASKED = """
    create or replace temp table asked as
    select prompt_id, row_number() over () as q
    from (select prompt_id from every order by hash(prompt_id) limit $most)
"""
_SIZES = """
    select (select count(*) from asked) as prompts, (select count(*) from every) as of
"""
_BEST_SINGLE = "select llm, mean from singles where place = 1"


def take_chosen(db: duckdb.DuckDBPyConnection, part: Part) -> None:
    """Makes the temporary table `chosen`: prompt_id, split, category ('' for none)."""
    db.execute(_CHOSEN, part.parameters)


def take_sample(db: duckdb.DuckDBPyConnection, most: int) -> pa.Table:
    """Makes the temporary table `asked`: prompt_id and number q of at most so many of `every`.

    Returns:
        sizes: prompts taken, of how many.
    """
    db.execute(_ASKED, {"most": most})
    return table(db, _SIZES)


def take_singles(db: duckdb.DuckDBPyConnection, part: Part, measure: str) -> pa.Table:
    """Makes the temporary table `singles`: LLMs with their place by mean quality on validation.

    Validation is that of the part's datasets, whatever its splits and categories.

    Returns:
        BestSingle: llm, mean; without a row where no prompt of validation is measured.
    """
    given = {"datasets": part.parameters["datasets"], "measure": measure}
    db.execute(_SINGLES, given | {"most": BEST_SINGLE_PROMPTS})
    return table(db, _BEST_SINGLE)
