"""The answers of two LLMs to one prompt."""

from dataclasses import asdict

import duckdb
import pyarrow as pa

from dashboards.queries.duel import Duel
from dashboards.queries.scored import table

MOST_CHARACTERS = 20_000
"""Of a text that is shown."""

_PROMPT = """
    select prompt_id, dataset, split, category, left(instruction, $most) as instruction,
           left(input, $most) as input, left(reference, $most) as reference
    from prompts where prompt_id = $prompt
"""
# Where a scorer knows several answers of an LLM the best is taken, else the first.
_ANSWERS = """
    with scores as (
        select candidate_id, llm, score from scored_llms
        where kind = $kind and scorer = $scorer and scheme = $scheme and prompt_id = $prompt
    )
    select c.llm, c.candidate_id, left(c.text, $most) as text, length(c.text) as length,
           c.decoding, coalesce(s.score, r.score) as score,
           count(*) over (partition by c.llm) as answers
    from candidates c
    left join scores s on s.candidate_id = c.candidate_id
    left join scores r on r.candidate_id is null and r.llm = c.llm
    where c.prompt_id = $prompt and c.llm in ($a, $b)
    qualify row_number() over (
        partition by c.llm order by coalesce(s.score, r.score) desc nulls last, c.decoding,
        c.candidate_id desc
    ) = 1
"""


def two_answers(db: duckdb.DuckDBPyConnection, two: Duel, prompt: str) -> dict[str, pa.Table]:
    """One prompt with what two LLMs answered; texts are cut after `MOST_CHARACTERS`.

    Returns:
        prompt: prompt_id, dataset, split, category, instruction, input, reference: a row or none.
        answers: llm, candidate_id, text, length (before it was cut), decoding, score (NULL where it
            has none), answers (how many this LLM has): at most a row an LLM.
    """
    one = {"prompt": prompt, "most": MOST_CHARACTERS}
    return {
        "prompt": table(db, _PROMPT, one),
        "answers": table(db, _ANSWERS, one | two.names | asdict(two.scorer)),
    }
