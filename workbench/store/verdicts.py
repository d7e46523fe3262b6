"""Verdicts of the store as arrays beside a pool: which pairs were judged, and by whom how."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.store.pool import Pool
from workbench.store.store import Store


@dataclass(frozen=True)
class Verdicts:
    """What judges said of pairs of a pool's candidates, in the order in which they were shown.

    Attributes:
        q, left, right: [P] int, the pair's prompt and candidates in the pool's [Q, N] arrays.
        votes: [P, J] float32: 1 the left one is better, −1 the right one, 0 a tie (both good and
            both bad too), NaN not judged.
        judges: J names, sorted.
    """

    q: np.ndarray
    left: np.ndarray
    right: np.ndarray
    votes: np.ndarray
    judges: list[str]

    def subset(self, prompts: np.ndarray) -> "Verdicts":
        """The pairs of the prompts chosen by a bool [Q], to go with `Pool.subset` of the same."""
        kept = prompts[self.q]
        place = np.cumsum(prompts) - 1
        return Verdicts(
            place[self.q[kept]],
            self.left[kept],
            self.right[kept],
            self.votes[kept],
            self.judges,
        )


def judged_splits(
    store: Store, datasets: Sequence[str], splits: Sequence[str]
) -> list[tuple[str, str]]:
    """Which of these datasets and splits hold a verdict on two candidates, as (dataset, split)."""
    rows = store.query(
        """
        select distinct p.dataset, p.split
        from verdicts v join prompts p using (prompt_id)
        semi join candidates l on l.candidate_id = v.left_id
        semi join candidates r on r.candidate_id = v.right_id
        where list_contains($datasets, p.dataset) and list_contains($splits, p.split)
        """,
        {"datasets": list(datasets), "splits": list(splits)},
    )
    found = set(zip(rows["dataset"].to_pylist(), rows["split"].to_pylist(), strict=True))
    return [(d, s) for d in datasets for s in splits if (d, s) in found]


def load_verdicts(store: Store, pool: Pool) -> Verdicts:
    """All verdicts on two candidates of a pool; verdicts on fusions are not among them."""
    with store.reading() as db:
        db.register("places", pool.places())
        db.execute(
            """
            create temp table judged as
            select l.q, l.n as i, r.n as j, v.judge,
                   case v.verdict when 'left' then 1 when 'right' then -1 else 0 end as vote
            from verdicts v
            join places l on l.candidate_id = v.left_id
            join places r on r.candidate_id = v.right_id
            """
        )
        names = db.sql("select distinct judge from judged order by judge").fetchall()
        judges = [name for (name,) in names]
        rows = db.sql(
            "select q, i, j, list_position($judges, judge) - 1 as judge, vote from judged",
            params={"judges": judges},
        ).fetchnumpy()
    width = max(pool.mask.shape[1], 1)
    code = (rows["q"].astype(np.int64) * width + rows["i"]) * width + rows["j"]
    pairs, place = np.unique(code, return_inverse=True)
    votes = np.full((len(pairs), len(judges)), np.nan, np.float32)
    votes[place, rows["judge"]] = rows["vote"]
    return Verdicts(
        q=pairs // width**2,
        left=pairs // width % width,
        right=pairs % width,
        votes=votes,
        judges=judges,
    )
