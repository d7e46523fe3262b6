"""Does a pair's logit depend on who is shown left, and does it mean what it says?"""

import duckdb
import pyarrow as pa

from dashboards.queries.sampled import take_chosen, take_measured_sample, take_sample
from dashboards.queries.scored import Part, table

PROMPTS = 2_000
"""Looked at, at most."""

_EVERY = """
    create or replace temp table every as
    select prompt_id from chosen
    semi join (select prompt_id from comparisons where ranker = $ranker) using (prompt_id)
"""
_LOGITS = """
    create or replace temp table logits as
    select prompt_id, left_id, right_id, logit::double as logit
    from comparisons semi join asked using (prompt_id)
    where ranker = $ranker and isfinite(logit)
"""
# Each pair that was compared in both orders, once.
_BIASES = """
    create or replace temp table biases as
    select (a.logit + b.logit) / 2 as bias,
           (a.logit > 0 and b.logit > 0) or (a.logit < 0 and b.logit < 0) as flips
    from logits a join logits b
      on a.prompt_id = b.prompt_id and a.left_id = b.right_id and a.right_id = b.left_id
    where a.left_id < a.right_id
"""
_POSITION = """
    select count(*) as pairs, avg(bias) as mean_bias, avg(abs(bias)) as mean_size,
           avg(flips::integer) as flips
    from biases
"""
# Bins of equal width between the 0.5 % and 99.5 % quantiles; what lies outside is in the end bins.
_HISTOGRAM = """
    with ends as (
        select quantile_cont(bias, 0.005) as low, quantile_cont(bias, 0.995) as high from biases
    ), placed as (
        select case when high > low
                    then greatest(0, least($bins - 1, floor((bias - low) / (high - low) * $bins)))
                    else 0 end as bin, flips
        from biases cross join ends
    )
    select low + bin * (high - low) / $bins as low, low + (bin + 1) * (high - low) / $bins as high,
           count(*) as pairs, count(*) filter (flips) as flipped
    from placed cross join ends group by bin, ends.low, ends.high order by bin
"""
_MEASURED = """
    create or replace temp table measured as
    select candidate_id, value from qualities
    semi join (select left_id as candidate_id from logits union select right_id from logits)
      using (candidate_id)
    where measure = $measure and isfinite(value)
"""
_PROBABILITIES = """
    create or replace temp table probabilities as
    select 1 / (1 + exp(-greatest(-50, least(50, logit)))) as predicted,
           case when l.value > r.value then 1.0 when l.value < r.value then 0.0 else 0.5 end
             as better
    from logits c
    join measured l on l.candidate_id = c.left_id join measured r on r.candidate_id = c.right_id
"""
_RELIABILITY = """
    select least($bins - 1, floor(predicted * $bins))::integer as bin,
           avg(predicted) as predicted, avg(better) as observed, count(*) as pairs
    from probabilities group by bin order by bin
"""
BINS = 40
"""Of the histogram."""
PROBABILITY_BINS = 10
"""As in `workbench.evaluation.calibration`."""


def position_bias(db: duckdb.DuckDBPyConnection, part: Part, ranker: str) -> dict[str, pa.Table]:
    """What turning a pair round does to its logits, over a sample of prompts.

    Returns:
        position: pairs compared in both orders, mean_bias `(L_ij + L_ji) / 2`, mean_size of it,
            flips (share of pairs whose winner depends on the order).
        histogram: low and high bias of a bin, pairs, flipped pairs.
        sizes: prompts looked at, of how many.
    """
    sizes = _take_logits(db, part, ranker)
    db.execute(_BIASES)
    return {
        "position": table(db, _POSITION),
        "histogram": table(db, _HISTOGRAM, {"bins": BINS}),
        "sizes": sizes,
    }


def logit_calibration(
    db: duckdb.DuckDBPyConnection, part: Part, ranker: str, measure: str
) -> dict[str, pa.Table]:
    """What the sigmoid of a logit predicts against whose quality is higher, over a sample.

    Returns:
        reliability: bin, mean predicted probability that the left answer is better, observed share
            (of equal qualities a half), pairs; both orders of a pair count.
        sizes: prompts looked at, of how many.
    """
    sizes = _take_logits(db, part, ranker, measure)
    db.execute(_MEASURED, {"measure": measure})
    db.execute(_PROBABILITIES)
    return {
        "reliability": table(db, _RELIABILITY, {"bins": PROBABILITY_BINS}),
        "sizes": sizes,
    }


def _take_logits(
    db: duckdb.DuckDBPyConnection, part: Part, ranker: str, measure: str | None = None
) -> pa.Table:
    """Makes the temporary table `logits` of the sampled prompts, and tells how many they are.

    With a measure only of prompts that it knows an answer to.
    """
    take_chosen(db, part)
    db.execute(_EVERY, {"ranker": ranker})
    sizes = take_measured_sample(db, PROMPTS, measure) if measure else take_sample(db, PROMPTS)
    db.execute(_LOGITS, {"ranker": ranker})
    return sizes
