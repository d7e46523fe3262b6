"""Logits into the table `comparisons`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.errors import BadModel
from workbench.store.store import Store


def write_logits(store: Store, ranker: str, ids: Mapping[str, Any], logits: np.ndarray) -> None:
    """Adds comparisons by a ranker, keeping those that are there.

    Args:
        store: where.
        ranker: its id.
        ids: `prompt_id`, `left_id` and `right_id` of P pairs.
        logits: [P].

    Raises:
        BadModel: a logit is not finite; nothing is written then.
    """
    bad = np.flatnonzero(~np.isfinite(logits))
    if len(bad):
        left, right = (str(ids[side][int(bad[0])]) for side in ("left_id", "right_id"))
        raise BadModel(
            f"ranker {ranker} gives {logits[bad[0]]} for candidates {left} and {right}, and "
            f"{len(bad)} of {len(logits)} logits that are not finite; a lower precision can be why"
        )
    columns = {name: pa.array(ids[name], pa.string()) for name in ids}
    columns["ranker"] = pa.array([ranker] * len(logits), pa.string())
    logit = pa.array(np.asarray(logits, np.float32))
    store.insert("comparisons", pa.table({**columns, "logit": logit}))
