"""The table of aggregation schemes: `scheme(L, mask, **params) -> scores [Q, N]`."""

from collections.abc import Callable

import numpy as np

from workbench.aggregation.borda import borda
from workbench.aggregation.bradley_terry import bradley_terry
from workbench.aggregation.counting import copeland, max_logits, max_wins
from workbench.aggregation.outcome import outcome_of
from workbench.aggregation.schedules import OUTCOMES
from workbench.catalog import Catalog

SCHEMES: Catalog[Callable[..., np.ndarray]] = Catalog("scheme")
SCHEMES.add("max_logits")(max_logits)
SCHEMES.add("max_wins")(max_wins)
SCHEMES.add("copeland")(copeland)
SCHEMES.add("borda")(borda)
SCHEMES.add("bradley_terry")(bradley_terry)
for _schedule in OUTCOMES:
    SCHEMES.add(_schedule)(outcome_of(_schedule))
