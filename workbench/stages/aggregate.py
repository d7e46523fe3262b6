"""Aggregate: pair logits -> scores and ranks, by scheme."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.table import Table

from workbench import terminal
from workbench.aggregation import SCHEMES, Scheme, prompt_keys, ranks
from workbench.errors import MissingInput
from workbench.stages.rankers import compared_ranker, short
from workbench.store.pool import Pool, load_logits, load_pool
from workbench.store.store import Store
from workbench.store.tables import write_rows


@dataclass
class Aggregated:
    """Prompts ranked and encoder comparisons needed, by scheme."""

    ranker: str
    rows: list[tuple[str, int, float]]

    def __rich__(self) -> Table:
        title = f"aggregate {short(self.ranker)}"
        return terminal.table(title, ("scheme", "prompts", "comparisons per prompt"), self.rows)


def aggregate(
    store: Path,
    ranker: str | None = None,
    schemes: list[str] | None = None,
    datasets: list[str] | None = None,
) -> Aggregated:
    """Ranks the candidates of every prompt that the ranker has compared, replacing old ranks.

    Args:
        store: DuckDB file.
        ranker: run id of a ranker, or its beginning; the only one by default.
        schemes: such as max_logits or bradley_terry(prior=0.1); all, with defaults, by default.
        datasets: names of datasets, all by default.

    Raises:
        UnknownName, BadValue: a scheme, parameter, ranker or dataset that there is not.
        MissingInput: the ranker has compared nothing there.
    """
    opened = Store(store)
    parsed = [Scheme.parse(text) for text in (schemes or list(SCHEMES))]
    ranker = compared_ranker(opened, ranker)
    pool = load_pool(opened, datasets)
    logits = load_logits(opened, pool, ranker)
    compared = np.isfinite(logits).any(axis=(1, 2))
    if not compared.any():
        raise MissingInput(f"{ranker} has compared nothing in {datasets or 'the store'}")
    pool, logits = pool.subset(compared), logits[compared]
    keys = prompt_keys(pool.prompt_ids)
    done = Aggregated(ranker, [])
    for scheme in parsed:
        scores = scheme.scores(logits, pool.mask, keys)
        rows = _rows(pool, ranker, str(scheme), scores)
        with opened.writing() as db:
            db.register("_ranked", rows)
            write_rows(db, "rankings", "_ranked", "replace")
        used = float(scheme.comparisons(pool.mask).mean())
        done.rows.append((str(scheme), len(pool.prompt_ids), used))
    return done


def _rows(pool: Pool, ranker: str, scheme: str, scores: np.ndarray) -> pa.Table:
    q, n = np.nonzero(pool.mask)
    return pa.table(
        {
            "ranker": pa.array([ranker] * len(q), pa.string()),
            "scheme": pa.array([scheme] * len(q), pa.string()),
            "candidate_id": pa.array(pool.candidate_ids[q, n], pa.string()),
            "prompt_id": pa.array(np.array(pool.prompt_ids, object)[q], pa.string()),
            "score": scores[q, n],
            "rank": ranks(scores, pool.mask)[q, n].astype(np.int32),
        }
    )
