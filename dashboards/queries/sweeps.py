"""The trials of a study: how it went, what pays, and which settings no other beats."""

import duckdb
import pyarrow as pa

from dashboards.importance import importances
from dashboards.queries.scored import table
from dashboards.queries.trials_asked import Asked, pointer

_STUDIES = """
    select study, count(*) as trials, count(*) filter (state = 'COMPLETE') as complete
    from trials group by study order by max(rowid) desc
"""
# Names of settings and of figures, in the order in which the study's first trials have them.
_NAMES = """
    select kind, name, count(*) as trials from (
        select 'setting' as kind, trial, unnest(json_keys(params)) as name,
               generate_subscripts(json_keys(params), 1) as place
        from trials where study = $study and state = 'COMPLETE'
        union all
        select 'figure', trial, unnest(json_keys(objectives)),
               generate_subscripts(json_keys(objectives), 1)
        from trials where study = $study and state = 'COMPLETE'
    ) group by kind, name order by kind, min(trial), min(place)
"""
# Temporary: it lives in this connection's memory and dies with it; the store is not written.
# `gain` is the value turned so that more of it is better.
_TRIED = """
    create or replace temp table tried as
    select trial, params, objectives, run_id,
           $times * try_cast(json_extract_string(objectives, $pointer) as double) as value,
           $sign * value as gain
    from trials
    where study = $study and state = 'COMPLETE' and isfinite(value)
      and ($top_k is null or json_extract_string(params, 'top_k') = $top_k)
"""
_COUNTS = """
    select count(*) as trials, any_value(run_id) as run_id, $sign * max(gain) as best,
           min(trial) filter (where gain = most) as best_trial,
           count(*) filter (where gain = most) as equal
    from tried, (select max(gain) as most from tried)
"""
_TOP_KS = """
    select distinct try_cast(json_extract_string(params, 'top_k') as bigint) as top_k
    from trials where study = $study and state = 'COMPLETE' order by top_k
"""
# Every trial that was the best so far, and of the others as many as can be told apart.
_HISTORY = """
    with gone as (
        select trial, value, params, run_id, gain,
               max(gain) over (order by trial) as so_far,
               max(gain) over (order by trial rows between unbounded preceding and 1 preceding)
                   as before
        from tried
    )
    select trial, value, $sign * so_far as best_so_far, before is null or gain > before as is_best,
           params::varchar as settings, run_id
    from gone
    where is_best or hash(trial) % 1000000 < 1000000 * $most / (select count(*) from gone)
    order by trial
"""
_SAMPLE = """
    select trial, value, params::varchar as settings
    from tried order by hash(trial), trial limit $most
"""
# On the front is what no other beats in both; of equal trials the first.
_FRONT = """
    with pairs as (
        select *, $times * try_cast(json_extract_string(objectives, $cost) as double) as cost,
               $cost_sign * cost as cost_gain
        from tried
    ), gone as (
        select trial, value, cost, params::varchar as settings, run_id,
               cost_gain > coalesce(max(cost_gain) over (
                   order by gain desc, cost_gain desc, trial
                   rows between unbounded preceding and 1 preceding
               ), '-infinity'::double) as front
        from pairs where isfinite(cost)
    )
    select * from gone
    where front or hash(trial) % 1000000 < 1000000 * $most / (select count(*) from gone)
    order by value, trial
"""
_BEST = """
    select trial, value, params::varchar as settings, objectives::varchar as figures, run_id
    from tried order by gain desc, trial limit $most
"""
_SETTINGS = """
    create or replace temp table settings as
    select name, json_extract_string(params, concat('/', replace(replace(name, '~', '~0'),
           '/', '~1'))) as setting, value, gain
    from (select *, unnest(json_keys(params)) as name from tried)
"""
# A number that was likely drawn from a range is told in bands, any other setting value by value.
_KINDS = """
    create or replace temp table kinds as
    select name, finite and (different > $few or (broken and 2 * different > trials)) as number
    from (
        select name, count(distinct setting) as different, count(*) as trials,
               bool_and(isfinite(coalesce(number, 'nan'::double))) as finite,
               coalesce(bool_or(number <> floor(number)), false) as broken
        from (select name, setting, try_cast(setting as double) as number from settings)
        group by name
    )
    where different > 1 and trials >= $least * case when number then 2 else 1 end
      and (number or different <= $few)
"""
_EFFECTS = """
    select name, coalesce(setting, 'null') as setting, count(*) as trials,
           quantile_cont(value, 0.25) as low, median(value) as middle,
           quantile_cont(value, 0.75) as high, arg_max(value, gain) as best
    from settings semi join (from kinds where not number) using (name)
    group by name, coalesce(setting, 'null')
    order by name, try_cast(coalesce(setting, 'null') as double), max(gain) desc
"""
# Numbers that take many values, in up to 20 bands of as many trials each, at least five.
_BANDS = """
    with placed as (
        select name, setting::double as number, value, gain,
               row_number() over (partition by name order by setting::double) - 1 as place,
               count(*) over (partition by name) as trials
        from settings semi join (from kinds where number) using (name)
    ), parts as (
        select *, place * greatest(1, least(20, trials // 5)) // trials as part from placed
    )
    select name, median(number) as number, min(number) as least, max(number) as most,
           count(*) as trials, quantile_cont(value, 0.25) as low, median(value) as middle,
           quantile_cont(value, 0.75) as high, arg_max(value, gain) as best
    from parts group by name, part order by name, part
"""
DRAWN = 2_000
"""Trials that are drawn at most, beside the best ones."""
JUDGED = 1_000
"""Trials that importance is computed from at most."""
LISTED = 500
"""Trials that are listed at most."""
FEW = 24
"""Different values of a setting that are told one by one."""
SEEN = 5
"""Trials that a setting must have to be told of; twice as many, for two bands, of a number."""


def studies(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """study, trials, complete; the one that was written to last comes first."""
    return table(db, _STUDIES)


def names(db: duckdb.DuckDBPyConnection, study: str) -> dict[str, pa.Table]:
    """What a study's complete trials have.

    Returns:
        names: kind (setting or figure), name, trials that have it.
        top_k: top_k, in its order; NULL where a trial has none.
    """
    return {
        "names": table(db, _NAMES, {"study": study}),
        "top_k": table(db, _TOP_KS, {"study": study}),
    }


def history(db: duckdb.DuckDBPyConnection, asked: Asked) -> dict[str, pa.Table]:
    """How a study went.

    Returns:
        counts: one row: trials, run_id of one of them, best (value), best_trial (of equal ones
            the first), equal (how many have that value).
        trials: trial, value, best_so_far, is_best, settings (JSON), run_id; all that were the best
            so far, and about `DRAWN` of the others, always the same ones.
        best: trial, value, settings, figures (JSON), run_id of the best `LISTED` trials.
    """
    _take(db, asked)
    given = {"sign": asked.sign, "most": DRAWN}
    return {
        "counts": table(db, _COUNTS, {"sign": asked.sign}),
        "trials": table(db, _HISTORY, given),
        "best": table(db, _BEST, {"most": LISTED}),
    }


def front(
    db: duckdb.DuckDBPyConnection, asked: Asked, cost: str, cost_smaller: bool, times: float = 1.0
) -> pa.Table:
    """trial, value, cost, settings (JSON), run_id, front: the front and about `DRAWN` others.

    Of equal trials the first is on the front. `times`: what costs are multiplied by.
    """
    _take(db, asked)
    given = {"cost": pointer(cost), "cost_sign": -1 if cost_smaller else 1, "times": times}
    return table(db, _FRONT, given | {"most": DRAWN})


def effects(db: duckdb.DuckDBPyConnection, asked: Asked) -> dict[str, pa.Table]:
    """What each setting does to the figure: quartiles of the trials that have it, and their best.

    Returns:
        choices: name, setting, trials, low, middle, high, best; of settings with up to `FEW`
            different values, the same in not all of at least `SEEN` trials.
        numbers: name, number (the middle of a band), least, most, trials, low,
            middle, high, best; of numbers with more.
    """
    _take(db, asked)
    db.execute(_SETTINGS)
    db.execute(_KINDS, {"few": FEW, "least": SEEN})
    return {"choices": table(db, _EFFECTS), "numbers": table(db, _BANDS)}


def importance(db: duckdb.DuckDBPyConnection, asked: Asked) -> pa.Table:
    """setting, importance, trials that have it: see `dashboards.importance`."""
    _take(db, asked)
    return importances(table(db, _SAMPLE, {"most": JUDGED}), asked.smaller)


def _take(db: duckdb.DuckDBPyConnection, asked: Asked) -> None:
    db.execute(_TRIED, asked.parameters)
