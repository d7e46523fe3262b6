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
# by luck, so those measured on half of the prompts come first; where none is, those measured on
# half as many as the one that is measured on most.
_SINGLES = """
    create or replace temp table singles as
    with held as (
        select prompt_id from prompts
        where split = 'validation' and ($datasets is null or list_contains($datasets, dataset))
        order by hash(prompt_id) limit $most
    ), answers as (
        select prompt_id, llm, value
        from candidates semi join held using (prompt_id) join qualities using (candidate_id)
        where measure = $measure and isfinite(value)
    ), means as (
        select llm, avg(value) as mean, count(distinct prompt_id) as prompts
        from answers group by llm
    ), sizes as (
        select max(prompts) as most, (select count(distinct prompt_id) from answers) as held
        from means
    ), enough as (
        select case when most >= held / 2.0 then held else most end / 2.0 as half from sizes
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
_KNOWN = """
    select count(distinct prompt_id) as prompts
    from (select candidate_id, prompt_id from candidates semi join asked using (prompt_id))
    join qualities using (candidate_id) where measure = $measure and isfinite(value)
"""
_MEASURED = """
    create or replace temp table every as
    select prompt_id from every semi join (
        select prompt_id from qualities join candidates using (candidate_id)
        where measure = $measure and isfinite(value)
    ) using (prompt_id)
"""
_SIZES = """
    select (select count(*) from asked) as prompts, (select count(*) from every) as of
"""
_NOT_OF_TEST = """
    select count(*) as seen from chosen semi join asked using (prompt_id) where split <> 'test'
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


def take_measured_sample(db: duckdb.DuckDBPyConnection, most: int, measure: str) -> pa.Table:
    """As `take_sample`, of those prompts of `every` alone that a measure knows an answer to."""
    sizes = take_sample(db, most)
    known = table(db, _KNOWN, {"measure": measure})
    # Seldom: to look up all that are measured takes as long as a page's other questions.
    if known["prompts"] != sizes["prompts"]:
        db.execute(_MEASURED, {"measure": measure})
        sizes = take_sample(db, most)
    return sizes


def not_of_test(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """seen: how many prompts of `asked` are of another split, from which something was learned."""
    return table(db, _NOT_OF_TEST)


def take_singles(db: duckdb.DuckDBPyConnection, part: Part, measure: str) -> pa.Table:
    """Makes the temporary table `singles`: LLMs with their place by mean quality on validation.

    Validation is that of the part's datasets, whatever its splits and categories.

    Returns:
        BestSingle: llm, mean; without a row where no prompt of validation is measured.
    """
    given = {"datasets": part.parameters["datasets"], "measure": measure}
    db.execute(_SINGLES, given | {"most": BEST_SINGLE_PROMPTS})
    return table(db, _BEST_SINGLE)
