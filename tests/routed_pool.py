"""Routes written by hand: no router has to be trained."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from tiny_pipeline import MEASURE, rows

from workbench.store.labels import set_label
from workbench.store.store import Store

ORACLE, NOISY = "0a" * 16, "1b" * 16
"""Routers that know the quality of each answer, and that know it a little."""
_ANSWERS = """
    select p.prompt_id, c.llm, q.value from prompts p join candidates c using (prompt_id)
    join qualities q using (candidate_id)
    where q.measure = ? and p.split in ('validation', 'test') order by all
"""


def write_routes(store: Path) -> Path:
    """Writes what both routers say of the prompts of validation and test."""
    prompts, llms, quality = zip(*rows(store, _ANSWERS, MEASURE), strict=True)
    noise = np.random.default_rng(0).normal(0, 0.1, len(quality))
    opened = Store(store)
    for router, utility in ((ORACLE, np.array(quality)), (NOISY, np.array(quality) + noise)):
        columns = {"router": [router] * len(prompts), "prompt_id": prompts, "llm": llms}
        opened.insert("routes", pa.table({**columns, "utility": utility}))
    set_label(opened, ORACLE, "OracleRouter")
    return store
