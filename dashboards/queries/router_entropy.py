"""Is a router right where it is sure? Prompts by the entropy of its utilities."""

import duckdb
import pyarrow as pa

from dashboards.queries.routed import take_choices
from dashboards.queries.scored import Part, table

BINS = 8
"""Of as many prompts each."""

# Utilities that are chances of being best are taken as they are, others by a softmax with their
# standard deviation as its temperature, as in `workbench.stages.reward_entropy_rows`.
_ENTROPIES = """
    create or replace temp table entropies as
    with scale as (select stddev_pop(utility) as spread from choices),
    kind as (
        select coalesce(bool_and(least >= 0 and abs(total - 1) < 1e-3), false) as chances
        from (select min(utility) as least, sum(utility) as total from utilities group by q)
    ), weights as (
        select q, case when chances then utility
                       when spread > 0
                       then exp((utility - max(utility) over (partition by q)) / spread)
                       else 1 end as weight
        from choices cross join scale cross join kind where utility is not null
    ), chances as (
        select q, weight / nullif(sum(weight) over (partition by q), 0) as p from weights
    )
    select q, round(greatest(-sum(case when p > 0 then p * log2(p) else 0 end), 0), 9) as bits
    from chances where p is not null group by q having count(*) > 1
"""
# Prompts of equal entropy share a bin: the last digits of a sum depend on its order, so it is
# rounded above.
_BINNED = """
    with placed as (
        select *, floor($bins * (rank() over (order by bits) - 1) / count(*) over ()) + 1 as bin
        from entropies join outcomes using (q)
    )
    select bin::integer as bin, avg(bits) as entropy, min(bits) as lowest, max(bits) as highest,
           count(*) as prompts, avg(router) as router, avg(best_single) as best_single,
           avg(oracle) as oracle, avg(oracle - router) as regret,
           stddev_samp(oracle - router) / sqrt(count(*)) as error,
           avg(hit) as hit, count(hit) as differing
    from placed group by bin order by bin
"""


def entropy(
    db: duckdb.DuckDBPyConnection, part: Part, router: str, measure: str
) -> dict[str, pa.Table]:
    """How good a router's choices are by how sure it is, over a sample of prompts.

    Returns:
        bins: bin, mean entropy in bits, lowest, highest, prompts, mean quality of what router,
            best_single and oracle choose, regret (oracle minus router) with its standard error,
            hit (share of `differing` prompts on which a best LLM is asked).
        sizes, best_single: of `take_choices`.
    """
    told = take_choices(db, part, router, measure)
    db.execute(_ENTROPIES)
    return told | {"bins": table(db, _BINNED, {"bins": BINS})}
