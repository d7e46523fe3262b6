"""What each candidate of a pool cost, in one of four units."""

import numpy as np

from workbench.errors import UnknownName
from workbench.store.pool import Pool
from workbench.store.store import Store

UNITS = {
    # A candidate's own cost, else its tokens at the LLM's prices: NULL where one is not known.
    "usd": """coalesce(c.usd,
        (c.tokens_in * l.usd_per_mtok_in + c.tokens_out * l.usd_per_mtok_out) / 1e6)""",
    "tokens": "c.tokens_out",
    "calls": "1",
    "parameters": "l.parameters_b",
}
"""Unit -> SQL over a candidate `c` and its LLM `l`."""


def load_costs(store: Store, pool: Pool, unit: str) -> np.ndarray:
    """Cost [Q, N] float64 of a pool's candidates, NaN where it is not known.

    Args:
        store: where they are.
        pool: the candidates.
        unit: `usd`: the candidate's `usd`, else its tokens in and out at its LLM's prices;
            `tokens`: those of the answer; `calls`: 1 each; `parameters`: billions of the LLM's.

    Raises:
        UnknownName: no such unit.
    """
    if unit not in UNITS:
        raise UnknownName("unit of cost", unit, UNITS)
    with store.reading() as db:
        db.register("places", pool.places())
        rows = db.sql(
            f"""
            select q, n, cost from (
                select q, n, ({UNITS[unit]})::double as cost
                from places join candidates c using (candidate_id) left join llms l using (llm))
            where cost is not null
            """
        ).fetchnumpy()
    costs = np.full(pool.mask.shape, np.nan)
    costs[rows["q"], rows["n"]] = rows["cost"]
    return costs
