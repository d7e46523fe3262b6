"""Info: what is in a store."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import terminal
from workbench.store.store import Store
from workbench.store.tables import KEYS, SCHEMA_VERSION

_QUESTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "datasets": (
        ("dataset", "split", "prompts", "with reference", "candidates", "LLMs"),
        """select dataset, split, count(distinct p.prompt_id),
                  count(distinct p.prompt_id) filter (reference is not null),
                  count(c.candidate_id), count(distinct c.llm)
           from prompts p left join candidates c using (prompt_id)
           group by all order by all""",
    ),
    "LLMs": (
        ("LLM", "candidates", "mean characters", "billion parameters"),
        """select llm, count(candidate_id), avg(length(text)), any_value(parameters_b)
           from llms left join candidates using (llm) group by llm order by llm""",
    ),
    "measures of candidates": (
        ("measure", "measured", "of all", "mean", "minimum", "maximum"),
        """select measure, count(*), printf('%.1f %%', 100 * count(*) / any_value(n)),
                  avg(value), min(value), max(value)
           from qualities semi join candidates using (candidate_id)
           cross join (select count(*) n from candidates)
           group by measure order by measure""",
    ),
    "measures of fusions": (
        ("measure", "measured", "of all", "mean", "minimum", "maximum"),
        """select measure, count(*), printf('%.1f %%', 100 * count(*) / any_value(n)),
                  avg(value), min(value), max(value)
           from qualities semi join fusions on fusion_id = candidate_id
           cross join (select count(*) n from fusions)
           group by measure order by measure""",
    ),
    "verdicts": (
        ("judge", "verdicts", "prompts", "with fusions", "left", "right", "no winner"),
        """select judge, count(*), count(distinct v.prompt_id),
                  count(*) filter (l.kind = 'fusion' or r.kind = 'fusion'),
                  count(*) filter (verdict = 'left'), count(*) filter (verdict = 'right'),
                  count(*) filter (verdict not in ('left', 'right'))
           from verdicts v
           left join answers l on l.answer_id = left_id
           left join answers r on r.answer_id = right_id
           group by judge order by judge""",
    ),
    "taggers": (
        ("tagger", "different tags", "prompts", "tags a prompt"),
        """select tagger, count(distinct tag), count(distinct prompt_id),
                  count(*) / count(distinct prompt_id)
           from tags group by tagger order by tagger""",
    ),
    "rankers": (
        ("ranker", "which is", "comparisons", "prompts", "schemes"),
        """select c.ranker, m.value, c.n, c.prompts, coalesce(s.schemes, 0)
           from (select ranker, count(*) n, count(distinct prompt_id) prompts
                 from comparisons group by ranker) c
           left join (select ranker, count(distinct scheme) schemes
                      from rankings group by ranker) s using (ranker)
           left join meta m on m.name = 'ranker:' || c.ranker
           order by c.ranker""",
    ),
    "fusions": (
        (
            "fuser",
            "which is",
            "of ranker",
            "scheme",
            "K",
            "order",
            "decoding",
            "fusions",
            "mean tokens",
        ),
        """select fuser, f.value, coalesce(r.value || ' ', '') || left(made.ranker, 8),
                  regexp_replace(scheme, ';order=both|;schedule=all', '', 'g'), top_k,
                  candidate_order, decoding, count(*), avg(tokens_out)
           from fusions made
           left join meta f on f.name = 'ranker:' || fuser
           left join meta r on r.name = 'ranker:' || made.ranker
           group by all order by all""",
    ),
    "routers": (
        ("router", "which is", "LLMs", "prompts"),
        """select router, any_value(m.value), count(distinct llm), count(distinct prompt_id)
           from routes left join meta m on m.name = 'ranker:' || router
           group by router order by router""",
    ),
    "evaluations": (
        ("run", "results", "systems", "datasets"),
        """select run_id, count(*), count(distinct system), string_agg(distinct dataset, ', ')
           from results group by run_id order by run_id""",
    ),
    "studies": (
        ("study", "trials", "complete"),
        """select study, count(*), count(*) filter (state = 'COMPLETE')
           from trials group by study order by study""",
    ),
}


@dataclass
class Info:
    """Tables of counts, by question."""

    path: Path
    answers: dict[str, list[tuple[Any, ...]]]

    def __rich__(self) -> Group:
        drawn: list[Table | Text] = [Text(f"{self.path}, schema {SCHEMA_VERSION}")]
        for title, rows in self.answers.items():
            columns = _QUESTIONS[title][0] if title in _QUESTIONS else ("table", "rows")
            if rows:
                drawn.append(terminal.table(title, columns, rows))
        return Group(*drawn)


def info(store: Path) -> Info:
    """Tells what is in a store: datasets, LLMs, measures, taggers, rankers, fusions, routers,
    evaluations, studies.

    Args:
        store: DuckDB file.
    """
    opened = Store(store)
    answers: dict[str, list[tuple[Any, ...]]] = {}
    with opened.reading() as db:
        counts = [db.table(table).aggregate("count(*)").fetchall()[0] for table in KEYS]
        rows = [(table, n[0]) for table, n in zip(KEYS, counts, strict=True) if n[0]]
        answers["tables"] = rows
        for title, (_, sql) in _QUESTIONS.items():
            answers[title] = db.execute(sql).fetchall()
    return Info(opened.path, answers)
