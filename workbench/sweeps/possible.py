"""What of a search space the pools allow: the orders compared, and the number of candidates."""

from collections.abc import Sequence
from dataclasses import replace

from workbench import terminal
from workbench.aggregation.schemes import limit
from workbench.errors import BadValue, MissingInput
from workbench.sweeps.objective import Compared
from workbench.sweeps.space import Space


def possible(
    space: Space,
    pools: Sequence[Compared],
    orders: Sequence[str] | None,
    schemes: Sequence[str] | None,
) -> Space:
    """The space without what cannot be tried; says what is left out.

    Args:
        space: as it was asked for.
        pools: the splits that trials and their last look see.
        orders, schemes: those asked for by name, which cannot be left out.

    Raises:
        MissingInput: an order was asked for that was not compared.
        BadValue: a scheme was asked for that cannot rank so many candidates.
    """
    if not all(pool.both for pool in pools):
        space = _as_compared(space, orders)
    widest = max(int(pool.pool.mask.sum(axis=1).max()) for pool in pools)
    return _able(space, schemes, widest)


def _as_compared(space: Space, orders: Sequence[str] | None) -> Space:
    """The space where one order of each pair is stored: those orders are a random choice.

    Raises:
        MissingInput: other orders were asked for.
    """
    for order in orders or ():
        if order != "random":
            raise MissingInput(
                f"order '{order}' needs both orders of each pair, and only one is stored: run "
                "`workbench compare --order both`, or sweep with `--orders '[random]'`"
            )
    terminal.say("one order of each pair is stored: 'random' is the only order mode")
    return replace(space, orders=["random"])


def _able(space: Space, schemes: Sequence[str] | None, candidates: int) -> Space:
    """The space without schemes that cannot rank so many candidates.

    Raises:
        BadValue: one of them was asked for.
    """
    unable = [name for name in space.schemes if (limit(name) or candidates) < candidates]
    for name in unable:
        if schemes:
            most = f"one that ranks {candidates} candidates; {name} ranks at most {limit(name)}"
            raise BadValue("schemes", name, most)
        terminal.say(f"{name} is left out: it ranks at most {limit(name)} candidates")
    return replace(space, schemes=[name for name in space.schemes if name not in unable])
