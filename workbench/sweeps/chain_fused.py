"""The fuser at the end of a study's chains."""

from dataclasses import dataclass
from typing import Any

import torch

from workbench.fusion.decoding import Decoding
from workbench.interrupts import CtrlC
from workbench.stages.chosen_fuser import ChosenFuser, chosen_fuser
from workbench.store.labels import set_label
from workbench.store.store import Store
from workbench.sweeps.chain_fusion import ChainFusing, check_sizes, cost_of_fusion
from workbench.sweeps.chain_names import ALL
from workbench.sweeps.chain_pool import ChainPool
from workbench.sweeps.chain_space import ChainSpace
from workbench.tracking import Tracker


@dataclass(frozen=True)
class WithFuser:
    """A fuser, ready to fuse prompts of any split.

    Attributes:
        store: where fusions are kept.
        fuser: that writes, as it was trained to.
        decoding: how.
        cost: of one fusion; None: the tokens that it has.
        place, options: where and how it runs.
    """

    store: Store
    fuser: ChosenFuser
    decoding: Decoding
    cost: float | None
    place: torch.device
    options: dict[str, Any]

    def over(self, pool: ChainPool, ranker: str, measure: str, ctrl_c: CtrlC) -> ChainFusing:
        """Fuses the prompts of a pool."""
        made = self.fuser, ranker, self.decoding, measure, pool.pool, self.cost
        return ChainFusing(self.store, *made, self.place, self.options, ctrl_c)

    def label(self) -> None:
        """Gives the fuser a name for people."""
        set_label(self.store, self.fuser.id, self.fuser.label)


def with_fuser(
    store: Store,
    tracker: Tracker,
    fuser: str,
    space: ChainSpace,
    pool: ChainPool,
    unit: str,
    cost: float | None,
    place: torch.device,
    options: dict[str, Any],
) -> WithFuser:
    """The fuser of that name, checked against all K that may be fused.

    Raises:
        UnknownName, MissingInput, BadModel: no such fuser, or one that cannot fuse so many.
        BadValue: a K that is out of range, or a cost of a fusion that must be told.
    """
    found = chosen_fuser(tracker, fuser)
    decoding = found.load().decoding
    most = len(pool.pool.llms) if ALL in space.routers else max(space.m)
    sizes = space.ranking.top_k if space.ranking else [1]
    check_sizes(found, sizes, most, decoding)
    return WithFuser(store, found, decoding, cost_of_fusion(unit, cost, found), place, options)
