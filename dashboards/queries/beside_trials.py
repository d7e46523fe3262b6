"""What stands beside a study's trials: what was priced, and what its systems are worth on test."""

import duckdb
import pyarrow as pa

from dashboards.queries.scored import table

# NULL where no trial has such a figure.
_PRICED = """
    select max(try_cast(json_extract_string(objectives, '$.comparison_cost') as double))
               as comparisons,
           max(try_cast(json_extract_string(objectives, '$.fusion_cost') as double)) as fusions
    from trials where study = $study and state = 'COMPLETE'
"""
# A row's place in the table tells what was written last.
_LOOKED = """
    select dataset, split, value, low, high, n as prompts
    from results
    where system = $system and measure = $measure and slice = 'all' and split <> $split
    order by split <> 'test', rowid desc limit 1
"""
_CHAIN_COSTS = """
    select distinct measure as unit from figures
    where figure = 'cost' and starts_with(system, 'chain:') order by unit
"""


def priced(db: duckdb.DuckDBPyConnection, study: str) -> pa.Table:
    """One row: comparisons, fusions: the most that they cost in a trial; NULL where not told."""
    return table(db, _PRICED, {"study": study})


def looked(
    db: duckdb.DuckDBPyConnection, system: str, figure: str, measure: str, split: str
) -> pa.Table:
    """dataset, split, value, low, high, prompts of a system on another split than the search's.

    No row where nobody has looked; of several the one that was written last, test before others.
    """
    given = {"system": system, "measure": ":".join((figure, measure)), "split": split}
    return table(db, _LOOKED, given)


def chain_costs(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """unit: in which the costs of evaluated chains are told."""
    return table(db, _CHAIN_COSTS)
