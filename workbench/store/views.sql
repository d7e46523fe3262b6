-- Questions that are asked often. Views hold no data: they are made anew whenever a store is
-- created, and can be asked in plain SQL by any tool that reads DuckDB.

-- One row a measured candidate, with what is known of its prompt.
create or replace view measured_candidates as
select p.dataset, p.split, p.category, c.prompt_id, c.candidate_id, c.llm, q.measure, q.value
from qualities q
join candidates c using (candidate_id)
join prompts p using (prompt_id);

-- The best LLMs of each prompt by each measure; `share` is 1 / the number that tie for it.
create or replace view best_llms as
select dataset, split, category, measure, prompt_id, llm,
       1.0 / count(*) over (partition by measure, prompt_id) as share
from (
    select *, rank() over (partition by measure, prompt_id order by value desc) as place
    from measured_candidates
)
where place = 1;

-- Share of prompts on which each LLM is best (ties split), and its mean quality.
create or replace view llm_leaderboard as
with means as (
    select dataset, split, measure, llm, avg(value) as mean_quality, count(*) as n
    from measured_candidates group by all
), wins as (
    select dataset, split, measure, llm, sum(share) as won from best_llms group by all
), sizes as (
    select dataset, split, measure, count(distinct prompt_id) as prompts
    from measured_candidates group by all
)
select m.dataset, m.split, m.measure, m.llm, m.mean_quality,
       coalesce(w.won, 0) / s.prompts as best_share, m.n
from means m
join sizes s using (dataset, split, measure)
left join wins w using (dataset, split, measure, llm);

-- The candidates that a ranker with a scheme puts first.
create or replace view picks as
select r.ranker, r.scheme, p.dataset, p.split, p.category, r.prompt_id, c.llm, r.candidate_id
from rankings r
join candidates c on c.candidate_id = r.candidate_id
join prompts p on p.prompt_id = r.prompt_id
where r.rank = 1;

-- What answers a prompt: candidates whose text is known, and fusions, together.
create or replace view answers as
select candidate_id as answer_id, prompt_id, text, 'candidate' as kind from candidates
where text is not null
union all
select fusion_id as answer_id, prompt_id, text, 'fusion' as kind from fusions;

-- One row a measured fusion, with what is known of its prompt.
create or replace view measured_fusions as
select p.dataset, p.split, p.category, f.prompt_id, f.fusion_id, f.fuser, f.ranker, f.scheme,
       f.top_k, f.candidate_order, f.decoding, q.measure, q.value
from qualities q
join fusions f on f.fusion_id = q.candidate_id
join prompts p on p.prompt_id = f.prompt_id;

-- What a measure, a ranker with a scheme, or a router thinks of each LLM's answer to each prompt:
-- one row a candidate (of a router: an LLM), the higher `score` the better. `kind` is measure,
-- ranker or router; `scorer` the measure's name or the id; `scheme` is empty but for rankers.
-- Scores are to be compared within a prompt, `kind`, `scorer` and `scheme` only.
create or replace view scored_llms as
select 'measure' as kind, q.measure as scorer, '' as scheme, p.dataset, p.split,
       coalesce(p.category, '') as category, c.prompt_id, c.candidate_id, c.llm, q.value as score
from qualities q join candidates c using (candidate_id) join prompts p using (prompt_id)
union all
select 'ranker', r.ranker, r.scheme, p.dataset, p.split, coalesce(p.category, ''), c.prompt_id,
       c.candidate_id, c.llm, r.score
from rankings r join candidates c using (candidate_id) join prompts p on p.prompt_id = c.prompt_id
union all
select 'router', r.router, '', p.dataset, p.split, coalesce(p.category, ''), r.prompt_id, null,
       r.llm, r.utility
from routes r join prompts p using (prompt_id);

-- Rows of `results` with their measure taken apart: `quality:rougeL@1` is the figure `quality` by
-- the measure `rougeL@1`; the measure is empty where a figure depends on none.
create or replace view figures as
select run_id, system, dataset, split, slice,
       case when contains(measure, ':') then regexp_extract(measure, '^([^:]*):', 1)
            else measure end as figure,
       regexp_extract(measure, '^[^:]*:(.*)$', 1) as measure, value, low, high, n
from results;
