"""How long the dashboard's pages wait for their answers, and pandas for the same.

python experiments/benchmarks/dashboard_speed.py STORE [SMALLER_STORE] [--rounds 3]

Draws every page over the store (`big_store.py` makes one) under several choices of the sidebar,
notes each question that it asks, and asks each of them again, `rounds` times, in a connection of
its own: DuckDB's own cache starts empty, the file lies in the system's. A row a page: how many
questions, the median and 95th percentile of a question, and of all questions of a page together;
the slowest question; and the page's main question in pandas, its columns read from the store
included and not. With a smaller store the growth of time is told beside the growth of rows.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from streamlit.testing.v1 import AppTest

from dashboards import reading
from dashboards.app import PAGES
from workbench.store.store import Store

CHOICES: tuple[dict[str, str], ...] = (
    {},
    {"split": "test"},
    {"dataset": "alpaca", "split": "validation"},
    {"category": "kind 3"},
)
"""Of the sidebar, as they stand in the URL."""

Question = tuple[Callable[..., Any], tuple[Any, ...]]


def asked_by(page: str, choice: dict[str, str]) -> list[Question]:
    """The questions that a page asks, once each."""
    found = dict[Any, Question]()
    answer = reading._answer

    def noting(question: Callable[..., Any], store: Store, name: str, given: Any, seen: Any) -> Any:
        found[name, given] = (question, given)
        return answer(question, store, name, given, seen)

    reading._answer = noting
    try:
        app = AppTest.from_string(f"from dashboards.app import draw\ndraw({page!r})")
        for name, value in choice.items():
            app.query_params[name] = value
        app.run(timeout=300)
        assert not app.exception, app.exception
    finally:
        reading._answer = answer
    return list(found.values())


def seconds(store: Store, question: Question) -> float:
    """One question in a connection of its own."""
    function, given = question
    start = time.perf_counter()
    with store.reading() as db:
        db.execute("set threads = 2")
        function(db, *given)
    return time.perf_counter() - start


def timed(store: Store, page: str, rounds: int) -> dict[str, Any]:
    """Times of a page: each question's, and the sums of all that it asks at once."""
    single = dict[str, list[float]]()
    whole = []
    for choice in CHOICES:
        extra = {"prompt": a_prompt(store)} if page in ("prompts", "head_to_head") else {}
        questions = asked_by(page, choice | extra)
        for _ in range(rounds):
            took = [seconds(store, question) for question in questions]
            whole.append(sum(took))
            for (function, _given), one in zip(questions, took, strict=True):
                single.setdefault(function.__name__, []).append(one)
    every = [one for took in single.values() for one in took]
    slowest = max(single, key=lambda name: p95(single[name]))
    return {
        "questions": len(single), "median": statistics.median(every), "p95": p95(every),
        "page p95": p95(whole), "slowest": slowest, "its p95": p95(single[slowest]),
    }  # fmt: skip


def p95(times: list[float]) -> float:
    """95th percentile."""
    return float(np.quantile(times, 0.95))


def a_prompt(store: Store) -> str:
    """Any prompt's id."""
    return str(store.query("select min(prompt_id) as id from prompts")["id"][0].as_py())


def frame(store: Store, sql: str) -> pd.DataFrame:
    """Columns of the store as pandas has to have them."""
    with store.reading() as db:
        return db.sql(sql).df()


_SCORED = """
    select prompt_id, llm, category, value as score from measured_candidates
    where measure = (select min(measure) from qualities)
"""
_PAIRS = "select prompt_id, left_id, right_id, logit from comparisons"


def shares(scored: pd.DataFrame) -> Any:
    """Best-LLM shares by category."""
    best = scored[scored.score == scored.groupby("prompt_id").score.transform("max")]
    share = 1 / best.groupby("prompt_id").llm.transform("size")
    return share.groupby([best.llm, best.category]).sum()


def win_rates(scored: pd.DataFrame) -> Any:
    """Who beats whom."""
    wide = scored.pivot_table(index="prompt_id", columns="llm", values="score")
    return {one: (wide.gt(wide[one], axis=0)).mean() for one in wide.columns}


def position_bias(pairs: pd.DataFrame) -> Any:
    """Mean of both orders' logits."""
    turned = pairs.rename(columns={"left_id": "right_id", "right_id": "left_id"})
    both = pairs.merge(turned, on=["prompt_id", "left_id", "right_id"])
    return ((both.logit_x + both.logit_y) / 2).describe()


def searched(prompts: pd.DataFrame) -> Any:
    """Prompts that hold a word."""
    return prompts[prompts.instruction.str.contains("word 700", case=False, regex=False)].head(50)


def routed(routes: pd.DataFrame) -> Any:
    """Routed shares."""
    return routes.loc[routes.groupby("prompt_id").utility.idxmax()].llm.value_counts()


def counted(candidates: pd.DataFrame) -> Any:
    """Candidates and their length by LLM."""
    return candidates.assign(length=candidates.text.str.len()).groupby("llm").length.mean()


PANDAS: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
    "overview": ("select llm, text from candidates", counted),
    "best_llm": (_SCORED, shares),
    "head_to_head": (_SCORED, win_rates),
    "prompts": ("select prompt_id, instruction from prompts", searched),
    "rankers": (_PAIRS, position_bias),
    "routers": ("select * from routes where router = (select min(router) from routes)", routed),
}
"""Page -> what its main question needs of the store, and the question in pandas."""


def in_pandas(store: Store, page: str) -> tuple[float, float] | None:
    """Seconds to read the columns, and to answer; None where pandas has nothing to do."""
    if page not in PANDAS:
        return None
    sql, question = PANDAS[page]
    start = time.perf_counter()
    data = frame(store, sql)
    read = time.perf_counter()
    question(data)
    return read - start, time.perf_counter() - read


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("stores", type=Path, nargs="+", metavar="STORE")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    answers = {}
    for path in given.stores:
        os.environ[reading.STORE] = str(path)
        store = Store(path, upgrades=False)
        answers[path] = {page: timed(store, page, given.rounds) for page in PAGES}
    first, *rest = given.stores
    store = Store(first, upgrades=False)
    heads = ("page", "questions", "median, s", "p95, s", "page p95, s", "slowest, s",
             "pandas, s (reading)", *(f"p95 × {path.stem}" for path in rest))  # fmt: skip
    table = Table(*heads, title=f"{first.name}: {sizes(store)}; {duckdb.__version__}")
    for page, row in answers[first].items():
        pandas = in_pandas(store, page)
        table.add_row(
            page, str(row["questions"]), *(f"{row[name]:.2f}" for name in ("median", "p95")),
            f"{row['page p95']:.2f}", f"{row['slowest']} {row['its p95']:.2f}",
            f"{pandas[1]:.2f} (+ {pandas[0]:.2f})" if pandas else "–",
            *(f"{row['page p95'] / answers[path][page]['page p95']:.1f}" for path in rest),
        )  # fmt: skip
    Console(width=130).print(table)
    for path in rest:
        print(f"{path.name}: {sizes(Store(path, upgrades=False))}")


_SIZES = """
    select (select count(*) from prompts) as prompts,
           (select count(*) from candidates) as candidates,
           (select count(*) from qualities) as qualities,
           (select count(*) from comparisons) as comparisons
"""


def sizes(store: Store) -> str:
    """Rows of the large tables."""
    return ", ".join(f"{n:,} {name}" for name, n in store.query(_SIZES).to_pylist()[0].items())


if __name__ == "__main__":
    main()
