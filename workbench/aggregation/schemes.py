"""The table of aggregation schemes: `scheme(L, mask, **params) -> scores [Q, N]`."""

from collections.abc import Callable

import numpy as np

from workbench.aggregation.borda import borda
from workbench.aggregation.bradley_terry import bradley_terry
from workbench.aggregation.counting import copeland, max_logits, max_wins
from workbench.aggregation.elo import elo
from workbench.aggregation.kemeny import MAX_CANDIDATES, kemeny
from workbench.aggregation.outcome import outcome_of
from workbench.aggregation.plackett_luce import plackett_luce
from workbench.aggregation.rank_centrality import rank_centrality
from workbench.aggregation.schedules import OUTCOMES
from workbench.catalog import Catalog

SCHEMES: Catalog[Callable[..., np.ndarray]] = Catalog("scheme")
SCHEMES.add("max_logits")(max_logits)
SCHEMES.add("max_wins")(max_wins)
SCHEMES.add("copeland")(copeland)
SCHEMES.add("borda")(borda)
SCHEMES.add("bradley_terry")(bradley_terry)
SCHEMES.add("plackett_luce")(plackett_luce)
SCHEMES.add("rank_centrality")(rank_centrality)
SCHEMES.add("elo")(elo)
SCHEMES.add("kemeny")(kemeny)
for _name in OUTCOMES:
    SCHEMES.add(_name)(outcome_of(_name))


def limit(name: str) -> int | None:
    """The most candidates a prompt may have for this scheme; None: any number.

    Raises:
        UnknownName: no such scheme.
    """
    SCHEMES[name]
    return MAX_CANDIDATES if name == "kemeny" else None
