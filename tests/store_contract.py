"""What must hold of every store file, whichever stage wrote last."""

from pathlib import Path

import duckdb

COLUMNS = {
    "prompts": "prompt_id dataset split instruction input reference category",
    "llms": "llm parameters_b usd_per_mtok_in usd_per_mtok_out",
    "candidates": "candidate_id prompt_id llm text decoding tokens_in tokens_out usd latency_s",
    "qualities": "candidate_id measure value",
    "verdicts": "prompt_id left_id right_id judge verdict",
    "tags": "prompt_id tag tagger",
    "comparisons": "ranker prompt_id left_id right_id logit",
    "rankings": "ranker scheme candidate_id prompt_id score rank",
    "fusions": "fusion_id fuser ranker scheme top_k prompt_id candidate_ids text",
    "routes": "router prompt_id llm utility",
    "trials": "study trial state params objectives run_id",
    "results": "run_id system dataset split slice measure value low high n",
}
UNIQUE = {
    "prompts": "prompt_id",
    "llms": "llm",
    "candidates": "candidate_id",
    "qualities": "candidate_id, measure",
    "verdicts": "prompt_id, left_id, right_id, judge",
    "tags": "prompt_id, tag, tagger",
    "comparisons": "ranker, prompt_id, left_id, right_id",
    "rankings": "ranker, scheme, candidate_id",
    "fusions": "fusion_id",
    "routes": "router, prompt_id, llm",
    "trials": "study, trial",
    "results": "run_id, system, dataset, split, slice, measure",
}
# Each finds rows that must not be.
FORBIDDEN = {
    "orphan candidate": "from candidates anti join prompts using (prompt_id)",
    "candidate of nobody": "from candidates anti join llms using (llm)",
    "orphan quality": """from qualities q
        where q.candidate_id not in (select candidate_id from candidates)
          and q.candidate_id not in (select fusion_id from fusions)""",
    "quality that is no number": "from qualities where value is null or not isfinite(value)",
    "logit that is no number": "from comparisons where logit is null or not isfinite(logit)",
    "compared with itself": "from comparisons where left_id = right_id",
    "compared with another prompt's": """from comparisons c
        left join candidates l on l.candidate_id = c.left_id and l.prompt_id = c.prompt_id
        left join candidates r on r.candidate_id = c.right_id and r.prompt_id = c.prompt_id
        where l.candidate_id is null or r.candidate_id is null""",
    "rank missing": "from rankings where rank is null or rank < 1",
    "nobody first": """from (select min(rank) as first from rankings
        group by ranker, scheme, prompt_id) where first <> 1""",
    "ranks against scores": """from rankings a join rankings b using (ranker, scheme, prompt_id)
        where (a.score > b.score and a.rank >= b.rank) or (a.score = b.score and a.rank <> b.rank)
        """,
    "slice unnamed": "from results where slice <> 'all' and slice not like 'category=%'",
    "value outside its interval": """from results
        where not isfinite(value) or value < low - 1e-9 or value > high + 1e-9""",
    "unknown split": "from prompts where split not in ('train', 'validation', 'test')",
    "orphan fusion": "from fusions anti join prompts using (prompt_id)",
    "fusion of another prompt's candidates": """from (
        select prompt_id, unnest(candidate_ids) as candidate_id from fusions) f
        anti join candidates c using (prompt_id, candidate_id)""",
    "unknown verdict": """from verdicts
        where verdict not in ('left', 'right', 'tie', 'both good', 'both bad')""",
}


def breaches(store: Path) -> list[str]:
    """What is wrong with a store file; empty where it is as it must be."""
    found = []
    with duckdb.connect(str(store), read_only=True) as db:
        for table, columns in COLUMNS.items():
            there = {d[0] for d in db.execute(f"select * from {table} limit 0").description}
            if lacking := set(columns.split()) - there:
                found.append(f"{table} lacks {sorted(lacking)}")
            twice = f"from {table} group by {UNIQUE[table]} having count(*) > 1"
            if db.execute(f"select count(*) from (select 1 {twice})").fetchone() != (0,):
                found.append(f"{table} holds a key twice")
        for name, rule in FORBIDDEN.items():
            if (count := db.execute(f"select count(*) {rule}").fetchone()) != (0,):
                found.append(f"{name}: {count[0]}")
    return found
