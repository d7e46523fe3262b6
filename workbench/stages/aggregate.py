"""Aggregate: pair logits -> scores and ranks, by scheme."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from rich.table import Table

from workbench import terminal
from workbench.aggregation import SCHEMES, Scheme, prompt_keys, ranks
from workbench.aggregation.schemes import limit
from workbench.errors import MissingInput
from workbench.stages.rankers import compared_ranker, short, short_scheme
from workbench.store.pool import Pool, load_logits, load_pool
from workbench.store.store import Store
from workbench.store.tables import write_rows


@dataclass
class Aggregated:
    """Prompts ranked and encoder comparisons used, by scheme."""

    ranker: str
    rows: list[tuple[str, int, float]]

    def __rich__(self) -> Table:
        title = f"aggregate {short(self.ranker)}"
        return terminal.table(title, ("scheme", "prompts", "comparisons per prompt"), self.rows)


class _Figures(NamedTuple):
    """A scheme's `Ranked` without the logits: a copy of them for each scheme would be much."""

    scores: np.ndarray
    comparisons: np.ndarray
    complete: np.ndarray


def aggregate(
    store: Path,
    ranker: str | None = None,
    schemes: list[str] | None = None,
    datasets: list[str] | None = None,
) -> Aggregated:
    """Ranks the candidates of every prompt that the ranker has compared, replacing old ranks.

    A prompt is ranked where every pair that the scheme's schedule asks for was compared, in at
    least one of the orders that the scheme uses; others lose the ranks that they had. A prompt
    of one candidate has no pair: it is ranked where its dataset and split have any comparison.

    Args:
        store: DuckDB file.
        ranker: run id of a ranker, or its beginning; the only one by default.
        schemes: such as max_logits or bradley_terry(prior=0.1);schedule=swiss(rounds=4); all that
            can rank so many candidates, with defaults, by default.
        datasets: names of datasets, all by default.

    Raises:
        UnknownName, BadValue: a scheme, parameter, ranker or dataset that there is not.
        MissingInput: the ranker has compared nothing there, or no prompt in whole.
    """
    opened = Store(store)
    parsed = [Scheme.parse(text) for text in schemes or ()]
    ranker = compared_ranker(opened, ranker)
    pool = load_pool(opened, datasets, with_text=True)
    splits = _compared_splits(opened, ranker)
    pool = pool.subset(np.array([prompt in splits for prompt in pool.prompt_ids], bool))
    if not pool.prompt_ids:
        raise MissingInput(
            f"{ranker} has compared nothing in {datasets or 'the store'}: run `workbench compare`"
        )
    logits = load_logits(opened, pool, ranker)
    chosen = parsed or _all_schemes(int(pool.mask.sum(axis=1).max()))
    ranked = {scheme: _ranked(scheme, pool, logits) for scheme in chosen}
    places = np.array([splits[prompt] for prompt in pool.prompt_ids], object)
    _say_left_out({scheme: r.complete for scheme, r in ranked.items()}, places)
    done = Aggregated(ranker, [])
    for scheme, of_scheme in ranked.items():
        _write(opened, ranker, str(scheme), pool, of_scheme)
        used = float(of_scheme.comparisons[of_scheme.complete].mean())
        done.rows.append((str(scheme), int(of_scheme.complete.sum()), used))
    return done


def _all_schemes(candidates: int) -> list[Scheme]:
    """Every scheme that can rank so many candidates of a prompt, with its defaults."""
    able = [name for name in SCHEMES if candidates <= (limit(name) or candidates)]
    for name in SCHEMES:
        if name not in able:
            terminal.say(
                f"{name} is left out: it ranks at most {limit(name)} candidates, and a prompt has "
                f"{candidates}"
            )
    return [Scheme(name) for name in able]


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


def _ranked(scheme: Scheme, pool: Pool, logits: np.ndarray) -> _Figures:
    ranked = scheme.rank_stored(logits, pool.mask, prompt_keys(pool.prompt_ids))
    if not ranked.complete.any():
        raise MissingInput(
            f"of no prompt all the pairs that {scheme} needs are compared: run `workbench compare`"
        )
    return _Figures(ranked.scores, ranked.comparisons, ranked.complete)


def _say_left_out(complete: Mapping[Scheme, np.ndarray], places: np.ndarray) -> None:
    """Once for all schemes that leave out equally many prompts of a dataset and split."""
    for place in sorted(set(places)):
        here = places == place
        alike: dict[int, list[str]] = {}
        for scheme, whole in complete.items():
            alike.setdefault(int((here & ~whole).sum()), []).append(short_scheme(str(scheme)))
        for n, names in alike.items():
            if n:
                terminal.say(
                    f"{n} of {here.sum()} prompts of {place} are not ranked by "
                    f"{', '.join(names)}: not all the pairs that are needed were compared; "
                    "run `workbench compare`"
                )


def _write(store: Store, ranker: str, scheme: str, pool: Pool, ranked: _Figures) -> None:
    whole = ranked.complete
    rows = _rows(pool.subset(whole), ranker, scheme, ranked.scores[whole])
    with store.writing() as db:
        db.execute(
            "delete from rankings where ranker = ? and scheme = ? "
            "and list_contains(?::text[], prompt_id)",
            [ranker, scheme, pool.subset(~whole).prompt_ids],
        )
        db.register("_ranked", rows)
        write_rows(db, "rankings", "_ranked", "replace")


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
