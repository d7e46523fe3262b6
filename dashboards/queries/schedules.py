"""How many comparisons a setting takes, and how good its picks are."""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from dashboards.queries.sampled import take_chosen
from dashboards.queries.scored import Part, table
from workbench.aggregation import Scheme
from workbench.aggregation.seeds import prompt_keys
from workbench.errors import WorkbenchError

PROMPTS = 100
"""On which a schedule is played, at most."""
TRIALS = 5_000
"""Shown, at most."""

_ASKED = """
    create or replace temp table asked as
    select prompt_id, row_number() over (order by prompt_id) - 1 as q
    from (
        select prompt_id from chosen
        semi join (select prompt_id from comparisons where ranker = $ranker) using (prompt_id)
        order by hash(prompt_id) limit $most
    )
"""
_COMPARED = """
    create or replace temp table compared as
    select prompt_id, left_id, right_id, logit
    from comparisons semi join asked using (prompt_id) where ranker = $ranker
"""
_TAKEN = pa.schema(
    {"scheme": pa.string(), "schedule": pa.string(), "comparisons": pa.float64(),
     "prompts": pa.int64()}
)  # fmt: skip
_SHAPE = "select q, count(n) as n from asked left join places using (q) group by q order by q"
_PROMPTS = "select prompt_id from asked order by q"
# In the order of `workbench.store.pool`, which the schedules' random choices go by.
_PLACES = """
    create or replace temp table places as
    with shown as (select left_id as candidate_id from compared union select right_id from compared)
    select candidate_id, q,
           row_number() over (partition by q order by llm, decoding, candidate_id) - 1 as n
    from candidates join asked using (prompt_id) semi join shown using (candidate_id)
"""
_LOGITS = """
    select l.q, l.n as i, r.n as j, c.logit
    from compared c
    join places l on l.candidate_id = c.left_id join places r on r.candidate_id = c.right_id
"""
_EVALUATED = """
    select run_id, system, dataset, split, slice,
           max(value) filter (figure = 'comparisons') as comparisons,
           max(value) filter (figure = 'quality') as quality,
           max(low) filter (figure = 'quality') as low,
           max(high) filter (figure = 'quality') as high,
           max(n) filter (figure = 'quality') as prompts
    from figures join (select run_id, max(rowid) as place from results group by run_id)
      using (run_id)
    where measure = $measure and figure in ('comparisons', 'quality')
      and ($datasets is null or list_contains($datasets, dataset))
      and ($splits is null or list_contains($splits, split))
      and case when $categories is null then slice = 'all'
               else starts_with(slice, 'category=') and list_contains($categories, slice[10:]) end
    group by run_id, system, dataset, split, slice
    having comparisons is not null and quality is not null
    qualify row_number() over (
        partition by system, dataset, split, slice order by prompts desc, max(place) desc) = 1
    order by all
"""
_TRIALS = """
    select study, trial, run_id, params::varchar as setting,
           try_cast(objectives->>'comparisons' as double) as comparisons,
           try_cast(objectives->>'quality' as double) as quality
    from trials where state = 'COMPLETE' and isfinite(comparisons) and isfinite(quality)
    order by hash(study, trial) limit $most
"""


def comparisons_taken(
    db: duckdb.DuckDBPyConnection, part: Part, ranker: str, schemes: tuple[str, ...]
) -> pa.Table:
    """How many of the stored comparisons each scheme asks for: its schedule is played again.

    Returns:
        scheme, schedule, comparisons a prompt, prompts it was played on; a scheme that needs a
        pair which was never compared is not told, nor one that is not known here, such as a
        user's own.
    """
    take_chosen(db, part)
    db.execute(_ASKED, {"ranker": ranker, "most": PROMPTS})
    db.execute(_COMPARED, {"ranker": ranker})
    db.execute(_PLACES)
    logits, mask = _arrays(table(db, _LOGITS), table(db, _SHAPE))
    keys = prompt_keys(table(db, _PROMPTS)["prompt_id"].to_pylist())
    held = mask.any(axis=1)  # the candidates of a prompt may be gone
    known = [parsed for parsed in map(_parsed, schemes) if parsed and held.any()]
    rows = [_taken(scheme, logits[held], mask[held], keys[held]) for scheme in known]
    return pa.Table.from_pylist([row for row in rows if row["prompts"]], schema=_TAKEN)


def _parsed(text: str) -> tuple[str, Scheme] | None:
    try:
        return text, Scheme.parse(text)
    except WorkbenchError:
        return None


def _taken(
    scheme: tuple[str, Scheme], logits: np.ndarray, mask: np.ndarray, keys: np.ndarray
) -> dict[str, Any]:
    text, parsed = scheme
    played = parsed.play_stored(logits, mask, keys)
    done = played.complete
    return {
        "scheme": text,
        "schedule": parsed.schedule.name,
        "comparisons": float(played.comparisons[done].mean()) if done.any() else None,
        "prompts": int(done.sum()),
    }


def _arrays(logits: pa.Table, shape: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Pair logits [Q, N, N] float32, NaN where not compared, and the mask [Q, N]."""
    q, n = (shape[name].to_numpy() for name in ("q", "n"))
    width = int(n.max()) if len(n) else 0
    mask = np.arange(width) < n[np.argsort(q), None]
    pairs = np.full((len(n), width, width), np.nan, np.float32)
    places = tuple(logits[name].to_numpy() for name in ("q", "i", "j"))
    pairs[places] = logits["logit"].to_numpy()
    return pairs, mask


def evaluated_comparisons(db: duckdb.DuckDBPyConnection, part: Part, measure: str) -> pa.Table:
    """Systems evaluated with both figures: run_id, system, dataset, split, slice, comparisons a
    prompt, quality with low and high, prompts.

    Of prompts of all categories, or those of the part.
    """
    return table(db, _EVALUATED, part.parameters | {"measure": measure})


def trials(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """Trials of sweeps: study, trial, run_id, setting, comparisons a prompt, quality; of more than
    `TRIALS` always the same ones."""
    return table(db, _TRIALS, {"most": TRIALS})
