"""Aggregate: pair logits -> scores and ranks, by scheme."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.table import Table

from workbench import terminal
from workbench.aggregation import SCHEMES, Scheme, apply_order, prompt_keys, ranks
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

    A prompt is ranked where every pair of its candidates was compared, in at least one of the
    orders that the scheme uses; others lose the ranks that they had. A prompt of one candidate
    has no pair: it is ranked where its dataset and split have any comparison.

    Args:
        store: DuckDB file.
        ranker: run id of a ranker, or its beginning; the only one by default.
        schemes: such as max_logits or bradley_terry(prior=0.1); all, with defaults, by default.
        datasets: names of datasets, all by default.

    Raises:
        UnknownName, BadValue: a scheme, parameter, ranker or dataset that there is not.
        MissingInput: the ranker has compared nothing there, or no prompt in whole.
    """
    opened = Store(store)
    parsed = [Scheme.parse(text) for text in (schemes or list(SCHEMES))]
    ranker = compared_ranker(opened, ranker)
    pool = load_pool(opened, datasets)
    splits = _compared_splits(opened, ranker)
    pool = pool.subset(np.array([prompt in splits for prompt in pool.prompt_ids], bool))
    if not pool.prompt_ids:
        raise MissingInput(
            f"{ranker} has compared nothing in {datasets or 'the store'}: run `workbench compare`"
        )
    logits = load_logits(opened, pool, ranker)
    known = {(s.order, s.order_seed): _all_pairs_known(s, pool, logits) for s in parsed}
    for (order, _), whole in known.items():
        _say_left_out(order, pool, whole, splits)
        if not whole.any():
            raise MissingInput(
                f"no prompt has all its pairs compared, order={order}: run `workbench compare`"
            )
    done = Aggregated(ranker, [])
    for scheme in parsed:
        whole = known[scheme.order, scheme.order_seed]
        ranked = pool.subset(whole)
        scores = scheme.scores(logits[whole], ranked.mask, prompt_keys(ranked.prompt_ids))
        rows = _rows(ranked, ranker, str(scheme), scores)
        left_out = pool.subset(~whole).prompt_ids
        with opened.writing() as db:
            db.execute(
                "delete from rankings where ranker = ? and scheme = ? "
                "and list_contains(?::text[], prompt_id)",
                [ranker, str(scheme), left_out],
            )
            db.register("_ranked", rows)
            write_rows(db, "rankings", "_ranked", "replace")
        used = float(scheme.comparisons(ranked.mask).mean())
        done.rows.append((str(scheme), len(ranked.prompt_ids), used))
    return done


def _compared_splits(store: Store, ranker: str) -> dict[str, str]:
    """Prompt -> 'dataset, split', of every dataset and split with a comparison by the ranker."""
    rows = store.query(
        """
        select p.prompt_id, p.dataset || ', ' || p.split as place from prompts p
        semi join (
            select distinct dataset, split from comparisons join prompts using (prompt_id)
            where ranker = ?
        ) using (dataset, split)
        """,
        [ranker],
    )
    return dict(zip(rows["prompt_id"].to_pylist(), rows["place"].to_pylist(), strict=True))


def _all_pairs_known(scheme: Scheme, pool: Pool, logits: np.ndarray) -> np.ndarray:
    """[Q] bool: each pair of candidates is known in an order that the scheme uses."""
    seen = apply_order(logits, scheme.order, scheme.order_seed, prompt_keys(pool.prompt_ids))
    known = np.isfinite(seen) | np.isfinite(seen).transpose(0, 2, 1)
    pairs = pool.mask[:, :, None] & pool.mask[:, None, :] & ~np.eye(known.shape[1], dtype=bool)
    return ~(pairs & ~known).any(axis=(1, 2))


def _say_left_out(order: str, pool: Pool, whole: np.ndarray, splits: dict[str, str]) -> None:
    places = np.array([splits[prompt] for prompt in pool.prompt_ids], object)
    for place in sorted(set(places[~whole])):
        here = places == place
        terminal.say(
            f"{(here & ~whole).sum()} of {here.sum()} prompts of {place} are not ranked: not "
            f"every pair of their candidates was compared, order={order}; run `workbench compare`"
        )


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
