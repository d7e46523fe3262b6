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
    "measures": (
        ("measure", "candidates measured", "mean", "minimum", "maximum"),
        """select measure, count(*), avg(value), min(value), max(value)
           from qualities group by measure order by measure""",
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
    """Tells what is in a store: datasets, LLMs, measures, rankers, evaluations, studies.

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
