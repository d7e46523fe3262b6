"""Which prompts there are: searched, filtered, sorted, and a page of them at a time."""

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from dashboards.queries.scored import Part, Scorer, table

NO_SCORER = Scorer("", "")
"""Nobody says what is best: prompts have no scores then."""

# The tables below the view `scored_llms`, which joins more than is needed here: half the time.
# Temporary: the store is not written.
_FOUND = """
    create or replace temp table found as
    with scores as (
        select c.prompt_id, q.value as score from qualities q join candidates c using (candidate_id)
        where $kind = 'measure' and q.measure = $scorer
        union all
        select prompt_id, score from rankings
        where $kind = 'ranker' and ranker = $scorer and scheme = $scheme
        union all
        select prompt_id, utility from routes where $kind = 'router' and router = $scorer
    ), spans as (
        select prompt_id, max(score) as best, max(score) - min(score) as gap
        from scores where not isnan(score) group by prompt_id
    ), own as (
        select prompt_id, max(score) as own from scored_llms
        where kind = $kind and scorer = $scorer and scheme = $scheme and llm = $best_llm
          and not isnan(score)
        group by prompt_id
    ), chosen as (
        select prompt_id, instruction, input, best, gap
        from prompts left join spans using (prompt_id)
        where ($datasets is null or list_contains($datasets, dataset))
          and ($splits is null or list_contains($splits, split))
          and ($categories is null or list_contains($categories, coalesce(category, '')))
    ), ends as (
        select quantile_cont(gap, $low) as low, quantile_cont(gap, $high) as high from chosen
    )
    select prompt_id, best, gap, length(instruction) + length(input) as length
    from chosen left join own using (prompt_id) cross join ends
    where ($best_llm is null or own = best)
      and (($low = 0 and $high = 1) or gap between ends.low and ends.high)
      and ($find = '' or contains(lower(instruction), lower($find))
           or contains(lower(input), lower($find))
           or prompt_id in (select prompt_id from answers
                            where $in_answers and $find <> ''
                              and contains(lower(text), lower($find))))
"""
_PLACED = """
    create or replace temp table placed as
    select *, row_number() over (order by case $sort
        when 'widest' then -gap when 'narrowest' then gap
        when 'hardest' then best when 'easiest' then -best
        when 'longest' then -length end nulls last, prompt_id) as place
    from found
"""
_SHOWN = """
    create or replace temp table shown as
    select * from placed order by place limit $most offset $offset
"""
_NEAR = """
    create or replace temp table near as
    select candidate_id, prompt_id, llm from candidates semi join shown using (prompt_id)
"""
_ROWS = """
    with scores as (
        select n.prompt_id, n.llm, q.value as score
        from qualities q join near n using (candidate_id)
        where $kind = 'measure' and q.measure = $scorer
        union all
        select n.prompt_id, n.llm, r.score from rankings r join near n using (candidate_id)
        where $kind = 'ranker' and r.ranker = $scorer and r.scheme = $scheme
        union all
        select prompt_id, llm, utility from routes semi join shown using (prompt_id)
        where $kind = 'router' and router = $scorer
    ), firsts as (
        select prompt_id, list(distinct llm order by llm) as best_llms
        from scores join shown using (prompt_id) where score = best group by prompt_id
    )
    select prompt_id, dataset, split, category,
           left(case when input = '' then instruction else instruction || ' ' || input end, $chars)
               as prompt,
           best_llms, best, gap
    from shown join prompts using (prompt_id) left join firsts using (prompt_id) order by place
"""
_LLMS = "select llm from llms union select llm from candidates order by llm"
_CHARS = 300  # of a prompt in the list


@dataclass(frozen=True)
class Wanted:
    """What a prompt must be, besides being in the chosen part."""

    find: str = ""
    """Part of its instruction or input, in any case of letters."""
    in_answers: bool = False
    """An answer that has `find` in it will do, too."""
    best_llm: str | None = None
    """The LLM that gives the best answer, alone or tied."""
    spread: tuple[float, float] = (0.0, 1.0)
    """Quantiles between which its gap lies, best score minus worst; (0, 1) takes all prompts."""
    sort: str = "widest"
    """`widest` or `narrowest` gap, `hardest` or `easiest` (lowest or highest best score),
    `longest`; anything else: by id."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the parameters of the query that finds."""
        return {
            "find": self.find,
            "in_answers": self.in_answers,
            "best_llm": self.best_llm,
            "low": self.spread[0],
            "high": self.spread[1],
        }


def found_prompts(
    db: duckdb.DuckDBPyConnection,
    part: Part,
    scorer: Scorer,
    wanted: Wanted,
    most: int,
    offset: int,
) -> dict[str, pa.Table]:
    """A page of the prompts that are wanted.

    Returns:
        count: prompts, how many there are in all.
        rows: prompt_id, dataset, split, category, prompt (its beginning), best_llms (a list), best
            score, gap between best and worst score; the last three NULL without scores.
    """
    by = _by(scorer)
    _take_placed(db, part, scorer, wanted)
    db.execute(_SHOWN, {"most": most, "offset": offset})
    db.execute(_NEAR)
    return {
        "count": table(db, "select count(*) as prompts from placed"),
        "rows": table(db, _ROWS, by | {"chars": _CHARS}),
    }


def place_found(
    db: duckdb.DuckDBPyConnection, part: Part, scorer: Scorer, wanted: Wanted, prompt: str
) -> pa.Table:
    """place of a prompt among those that are wanted, from 1; no row where it is none of them."""
    _take_placed(db, part, scorer, wanted)
    return table(db, "select place from placed where prompt_id = $prompt", {"prompt": prompt})


def _take_placed(db: duckdb.DuckDBPyConnection, part: Part, scorer: Scorer, wanted: Wanted) -> None:
    db.execute(_FOUND, part.parameters | _by(scorer) | wanted.parameters)
    db.execute(_PLACED, {"sort": wanted.sort})


def _by(scorer: Scorer) -> dict[str, str]:
    return {"kind": scorer.kind, "scorer": scorer.scorer, "scheme": scorer.scheme}


def llms(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """All LLMs: llm."""
    return table(db, _LLMS)
