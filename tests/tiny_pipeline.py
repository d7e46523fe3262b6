"""The settings of the suite's tiny ranker, and copies of a pool for tests that write."""

import shutil
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

from workbench.store.store import Store
from workbench.store.tables import KEYS

MEASURE = "rougeL@1"
SCHEMES = ["max_logits", "bradley_terry(prior=0.5)", "bubble"]
TRAINER = {
    "max_epochs": 1,
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def tiny_ranker(measures: tuple[str, ...] = (MEASURE,), **options: Any) -> Any:
    from workbench.models.encoder import TinyEncoder
    from workbench.ranking.pair_ranker import PairRanker

    encoder = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=32, vocab_size=300)
    lengths = {"source_maxlength": 24, "candidate_maxlength": 24}
    return PairRanker(encoder, measures=list(measures), lr=5e-3, **lengths, **options)


def pair_data(measures: tuple[str, ...] = (MEASURE,), **options: Any) -> Any:
    from workbench.ranking.data import PairData

    options = {"max_validation_prompts": 6, "pairs_per_prompt": 3, **options}
    return PairData(list(measures), **options)


def trained(store: Path, **options: Any) -> Any:
    """What the stage `train` answers for the tiny ranker."""
    from workbench.stages.train import train

    given = {"model": tiny_ranker(), "data": pair_data(), "trainer": TRAINER, **options}
    return train(store, **given)


def copied(pool: Path, to: Path) -> Path:
    """A copy of a pool's folder that is whole in itself: MLflow keeps absolute paths."""
    shutil.copytree(pool, to, ignore=shutil.ignore_patterns("whole", "*.lock"))
    db = sqlite3.connect(to / "mlflow.db")
    for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
        db.execute(f"update {table} set {column} = replace({column}, ?, ?)", (str(pool), str(to)))
    db.commit()
    db.close()
    return to


@cache
def _opened(store: Path) -> Store:
    """A store whose version is looked at once: opening DuckDB costs more than most queries."""
    return Store(store)


def rows(store: Path, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    with _opened(store).reading() as db:
        return db.execute(sql, list(parameters)).fetchall()


def one(store: Path, sql: str, *parameters: object) -> Any:
    [(value,)] = rows(store, sql, *parameters)
    return value


def execute(store: Path, sql: str, *parameters: object) -> None:
    """Runs a statement that writes."""
    with Store(store).writing() as db:
        db.execute(sql, list(parameters))


def counts(store: Path) -> dict[str, int]:
    """Rows by table."""
    parts = (f"select '{table}', count(*) from {table}" for table in KEYS)
    return dict(rows(store, " union all ".join(parts)))


def content(store: Path, table: str) -> set[tuple[Any, ...]]:
    """All rows of a table, in no order."""
    return {tuple(map(str, row)) for row in rows(store, f"select * from {table}")}


def contents(store: Path) -> dict[str, set[tuple[Any, ...]]]:
    """All rows by table, read in one transaction."""
    with _opened(store).reading() as db:
        found = {table: db.execute(f"select * from {table}").fetchall() for table in KEYS}
    return {table: {tuple(map(str, row)) for row in of_table} for table, of_table in found.items()}


def runs(store: Path, stage: str | None = None) -> list[Any]:
    """The MLflow runs of a store that are not deleted, children too."""
    from workbench.tracking import STAGE, Tracker

    wanted = f"tags.`{STAGE}` = '{stage}'" if stage else f"tags.`{STAGE}` != ''"
    return Tracker(store)._search(wanted)
