"""Two LLMs on their common prompts: temporary tables from which questions about them start."""

from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from dashboards.queries.scored import Part, Scorer

# Of several answers of an LLM to a prompt the best counts, as where the best LLM is asked for.
_DUEL = """
    create or replace temp table duel as
    with best as (
        select prompt_id, any_value(category) as category,
               max({'score': score, 'id': candidate_id}) filter (llm = $a) as a,
               max({'score': score, 'id': candidate_id}) filter (llm = $b) as b
        from scored_llms
        where kind = $kind and scorer = $scorer and scheme = $scheme and isfinite(score)
          and llm in ($a, $b)
          and ($datasets is null or list_contains($datasets, dataset))
          and ($splits is null or list_contains($splits, split))
          and ($categories is null or list_contains($categories, category))
        group by prompt_id
    )
    select prompt_id, category, a.id as a_id, b.id as b_id, a.score as a_score,
           b.score as b_score, a.score - b.score as gap,
           case when a.score > b.score then 1.0 when a.score = b.score then 0.5 else 0.0 end as won
    from best where a is not null and b is not null
"""
# By the md5 of the id: a sample that is the same each time and knows nothing of the prompts. A
# router scores LLMs rather than answers: an LLM's first answer stands for it.
_SAID = """
    create or replace temp table said as
    with few as (
        select * from duel
        where won <> 0.5
          and prompt_id in (select prompt_id from candidates where llm = $a and text is not null)
          and prompt_id in (select prompt_id from candidates where llm = $b and text is not null)
        order by md5(prompt_id) limit $most
    ), one as (
        select c.prompt_id, c.llm, c.text, (c.llm = $a) = (few.won = 1) as won
        from candidates c join few using (prompt_id)
        where c.llm in ($a, $b) and c.text is not null
          and (few.a_id is null or c.candidate_id in (few.a_id, few.b_id))
        qualify row_number()
            over (partition by c.prompt_id, c.llm order by c.decoding, c.candidate_id) = 1
    )
    select *, row_number() over (order by prompt_id, llm)::integer as answer
    from (select * from one qualify count(*) over (partition by prompt_id) = 2)
"""


@dataclass(frozen=True)
class Duel:
    """Two LLMs, the prompts that are looked at, and who says which answer is better."""

    part: Part
    scorer: Scorer
    a: str
    b: str

    @property
    def names(self) -> dict[str, Any]:
        """Values of $a and $b."""
        return {"a": self.a, "b": self.b}


def take_duel(db: duckdb.DuckDBPyConnection, two: Duel) -> None:
    """Makes the temporary table `duel`: one row a prompt that both LLMs have a score for.

    Its columns: prompt_id, category, a_id and b_id (candidates; NULL of a router), a_score,
    b_score, gap (a's score less b's), won (1 where a's is higher, 0.5 where they tie, else 0).
    """
    db.execute(_DUEL, two.names | asdict(two.scorer) | two.part.parameters)


def take_said(db: duckdb.DuckDBPyConnection, two: Duel, most: int) -> None:
    """Makes `said` of `duel`: both answers to at most `most` prompts without ties, by text.

    Prompts on which either text is not known are left out. Columns: answer (a number), prompt_id,
    llm, won, text.
    """
    db.execute(_SAID, two.names | {"most": most})
