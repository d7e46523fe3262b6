"""Makes a store of MixInstruct's size, or larger, to time what reads it.

python experiments/benchmarks/big_store.py STORE [--prompts 110000] [--llms 11]

110,000 prompts in three datasets, splits and eight categories, 11 candidates each, three measures,
12.1 million comparisons (both orders of every pair by one ranker), the rankings of two schemes, the
routes of two routers, a fusion of each tenth prompt, and results of every system. All of it is made
inside DuckDB from hashes, so that the same numbers come each time, within some minutes. Each LLM is
good at other categories, and measures, logits and utilities follow a candidate's hidden quality.
"""

import argparse
import time
from pathlib import Path

from workbench.store.store import Store

RANKER, FUSER = "benchmark-ranker", "benchmark-fuser"
ROUTERS = ("benchmark-router-a", "benchmark-router-b")
SCHEMES = {
    "max_logits;order=both;schedule=all": "sum(logit)",
    "max_wins;order=both;schedule=all": "sum((logit > 0)::integer)",
}
MEASURES = {"bartscore": 1.0, "bertscore": 0.5, "rougeL@1": 2.0}
"""Measure -> the share of noise in it."""

_PROMPTS = """
insert into prompts
select left(md5('prompt' || i), 24), ['alpaca', 'dolly', 'sharegpt'][1 + i % 3],
       case when i % 20 < 12 then 'train' when i % 20 < 15 then 'validation' else 'test' end,
       'Question ' || i || ': ' || repeat('what is the meaning of word ' || i % 977 || '? ', 4),
       '', 'Answer ' || i, 'kind ' || (hash(i) % 8)
from range($prompts) t(i)
"""
_LLMS = """
insert into llms
select 'llm-' || lpad(j::varchar, 2, '0'), 2 + j, 0.1 * (1 + j), 0.3 * (1 + j)
from range($llms) t(j)
"""
_CANDIDATES = """
insert into candidates
select left(md5('candidate' || i || '-' || j), 24), left(md5('prompt' || i), 24),
       'llm-' || lpad(j::varchar, 2, '0'),
       'Answer of ' || j || ' to ' || i || ': '
       || repeat('some words that say ' || (hash(i * 31 + j) % 9973) || ' things. ',
                 (3 + hash(i * 17 + j) % 12)::integer),
       '', 60, (30 + hash(i * 17 + j) % 200)::integer,
       1e-6 * (1 + j) * (30 + hash(i * 17 + j) % 200), 0.2
from range($prompts) p(i), range($llms) l(j)
order by i, j
"""
# Between 0 and 1: half of it what the LLM is worth for the kind of prompt, half of it chance.
_HIDDEN = """
create temp table hidden as
select i, j, left(md5('prompt' || i), 24) as prompt_id,
       left(md5('candidate' || i || '-' || j), 24) as candidate_id,
       ((hash((hash(i) % 8) * 101 + j) % 1000) + (hash(i * 1009 + j) % 1000)) / 2000.0 as worth
from range($prompts) p(i), range($llms) l(j)
"""
_QUALITIES = """
insert into qualities
select candidate_id, $measure,
       worth + $noise * (hash(candidate_id || $measure) % 1000) / 1000.0
from hidden order by i, j
"""
_COMPARISONS = """
insert into comparisons
select $ranker, a.prompt_id, a.candidate_id, b.candidate_id,
       4 * (a.worth - b.worth) + 0.1
       + (hash(a.i * 10007 + a.j * 103 + b.j) % 1000)::integer / 500.0 - 1
from hidden a join hidden b on a.i = b.i and a.j <> b.j
where a.i between $first and $last
"""
_RANKINGS = """
insert into rankings
select ranker, $scheme, left_id, prompt_id, score,
       rank() over (partition by prompt_id order by score desc)
from (select ranker, left_id, prompt_id, {score} as score from comparisons group by all)
"""
_ROUTES = """
insert into routes
select $router, prompt_id, 'llm-' || lpad(j::varchar, 2, '0'),
       0.1 * worth + 0.001 * (hash(candidate_id || $router) % 100) from hidden
"""
_FUSIONS = """
insert into fusions
select left(md5('fusion' || prompt_id), 24), $fuser, $ranker, $scheme, 3, prompt_id,
       list(candidate_id order by rank, candidate_id)[:3],
       'A fused answer ' || prompt_id, 'rank', 'beam(num_beams=4)', 200, 60, 0.5
from rankings where ranker = $ranker and scheme = $scheme and hash(prompt_id) % 10 = 0
group by prompt_id
"""
_RESULTS = """
insert into results
select 'benchmark-evaluation', system, dataset, split, 'all', 'quality:' || measure, value,
       value - 0.01, value + 0.01, n
from (select 'llm:' || llm as system, dataset, split, measure, avg(value) as value, count(*) as n
      from measured_candidates group by all)
"""
_BLOCK = 10_000


def make(path: Path, prompts: int, llms: int) -> None:
    """Fills a new store."""
    store = Store.create(path)
    sizes = {"prompts": prompts, "llms": llms}
    with store.writing() as db:
        db.execute(_PROMPTS, {"prompts": prompts})
        db.execute(_LLMS, {"llms": llms})
        db.execute(_CANDIDATES, sizes)
        db.execute(_HIDDEN, sizes)
        for measure, noise in MEASURES.items():
            db.execute(_QUALITIES, {"measure": measure, "noise": noise})
        for first in range(0, prompts, _BLOCK):
            last = min(first + _BLOCK, prompts) - 1
            db.execute(_COMPARISONS, {"ranker": RANKER, "first": first, "last": last})
        for scheme, score in SCHEMES.items():
            db.execute(_RANKINGS.format(score=score), {"scheme": scheme})
        for router in ROUTERS:
            db.execute(_ROUTES, {"router": router})
        db.execute(_FUSIONS, {"fuser": FUSER, "ranker": RANKER, "scheme": next(iter(SCHEMES))})
        db.execute(_RESULTS)


def main() -> None:
    """Makes the store that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--prompts", type=int, default=110_000)
    parser.add_argument("--llms", type=int, default=11)
    given = parser.parse_args()
    if given.store.exists():
        parser.error(f"{given.store} is there already")
    start = time.perf_counter()
    make(given.store, given.prompts, given.llms)
    size = given.store.stat().st_size / 2**20
    print(f"{given.store}: {size:,.0f} MB in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
