"""What a study of chains is asked to search, from the options and what the store holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench import terminal
from workbench.errors import AmbiguousName, BadValue, MissingInput, UnknownName
from workbench.stages.rankers import compared_ranker, short
from workbench.stages.system_names import BEST_SINGLE, RANDOM
from workbench.store.pool import names_of
from workbench.store.store import Store
from workbench.sweeps.chain_names import ALL, best_single_router, random_router
from workbench.sweeps.chain_pool import ChainPool
from workbench.sweeps.chain_space import ChainSpace, check_m, lambda_scale, usual_m
from workbench.sweeps.objective import Compared
from workbench.sweeps.possible import possible
from workbench.sweeps.space import Space

_UNTRAINED = (BEST_SINGLE, RANDOM, ALL)
_ROUTED = """
    select r.router from routes r join prompts p using (prompt_id)
    where ($datasets is null or list_contains($datasets, p.dataset))
      and list_contains($splits, p.split)
    group by r.router having count(distinct p.split) = $count order by r.router
"""


@dataclass(frozen=True)
class Wanted:
    """The options that say what is searched; None where nobody has said.

    Attributes:
        routers: as they are named on the command line.
        m, top_k, schemes, orders, schedules: see `chain`.
    """

    routers: list[str] | None
    m: list[int] | None
    top_k: list[int] | None
    schemes: list[str] | None
    orders: list[str] | None
    schedules: list[str] | None

    @property
    def ranks(self) -> bool:
        """Whether several answers are asked for by name, so that there must be a ranking."""
        return max(self.m or [1]) > 1 or ALL in (self.routers or ())

    @property
    def routes_alone(self) -> bool:
        """Whether one LLM alone is asked for by name, so that there need not be a ranking."""
        return self.m is not None and max(self.m) == 1 and ALL not in (self.routers or [ALL])


def chosen_ranker(store: Store, ranker: str | None, wanted: Wanted) -> str | None:
    """The ranker whose comparisons are used; None: there is none, and one LLM is asked.

    Raises:
        UnknownName, MissingInput: see `compared_ranker`; or no comparisons where they are needed.
    """
    if ranker is None and wanted.routes_alone:
        return None
    if ranker is None and not names_of(store, "ranker"):
        if wanted.ranks:
            raise MissingInput(
                "no ranker has compared any answers, so that m is 1, and 'all' cannot be ranked: "
                "run `workbench compare` first, or --m '[1]' without 'all' among the routers"
            )
        terminal.say("no ranker has compared any answers: chains only route to one LLM")
        return None
    return compared_ranker(store, ranker)


def chosen_routers(
    store: Store, given: Sequence[str] | None, datasets: list[str] | None, splits: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Ids of routers that have routes, and those of `BestSingle`, `Random` and `all` that count.

    None: all that have routes on every split, and all three; the others are told.

    Raises:
        MissingInput: None, and no router has routes there.
        UnknownName, AmbiguousName: no router, or more than one, has an id that begins so.
        BadValue: none, or one twice.
    """
    known = names_of(store, "router")
    if given is None:
        told: dict[str, object] = {"datasets": datasets, "splits": list(splits)}
        told["count"] = len(splits)
        there = store.query(_ROUTED, told)["router"].to_pylist()
        if not there:
            raise MissingInput(
                f"no router has routed prompts of {' and of '.join(splits)}: run `workbench "
                f"route`, or choose of what needs none: --routers '[{', '.join(_UNTRAINED)}]'"
            )
        if less := [short(router) for router in known if router not in there]:
            terminal.say(f"left out, for they have not routed all splits: {', '.join(less)}")
        return there, list(_UNTRAINED)
    found = [name if name in _UNTRAINED else _router(name, known) for name in given]
    if not found or len(set(found)) < len(found):
        raise BadValue("routers", list(given), "at least one, each once")
    return [name for name in found if name not in _UNTRAINED], [
        name for name in found if name in _UNTRAINED
    ]


def _router(given: str, known: list[str]) -> str:
    matching = [name for name in known if name.startswith(given)]
    if len(matching) > 1:
        raise AmbiguousName("router", given, matching)
    if not matching:
        raise UnknownName("router", given, [*known, *_UNTRAINED])
    return matching[0]


def space_of(
    wanted: Wanted,
    routers: Sequence[str],
    untrained: Sequence[str],
    measure: str,
    seed: int,
    pools: Sequence[ChainPool],
    fused: bool,
) -> ChainSpace:
    """The space of a study; the first of the pools is that of the trials.

    Raises:
        BadValue, UnknownName: a choice that cannot be used, or the pools do not allow.
    """
    tuned = pools[0]
    llms, ranked = len(tuned.pool.llms), tuned.logits is not None
    own = {BEST_SINGLE: best_single_router(measure), RANDOM: random_router(seed), ALL: ALL}
    names = [*routers, *(own[name] for name in untrained if ranked or name != ALL)]
    m = wanted.m or usual_m(llms, ranked)
    check_m(m, llms, ranked)
    if wanted.top_k is not None and not fused:
        raise BadValue("top_k", wanted.top_k, "used with --fuser alone: else the best is picked")
    sizes = wanted.top_k or ([1, 2, 3] if fused else [1])
    most = llms if ALL in names else max(m)
    if fused and max(sizes) > most and not wanted.top_k:
        sizes = [k for k in sizes if k <= most]
    scales = {name: lambda_scale(tuned.utilities[name], tuned.usual) for name in names}
    if not ranked or most == 1:
        return ChainSpace(names, m, scales, None)
    given = {"schemes": wanted.schemes, "orders": wanted.orders, "schedules": wanted.schedules}
    ranking = Space(top_k=sizes, **{name: list(v) for name, v in given.items() if v})
    return ChainSpace(names, m, scales, _possible(ranking, pools, wanted))


def _possible(ranking: Space, pools: Sequence[ChainPool], wanted: Wanted) -> Space:
    compared = [
        Compared(pool.pool, pool.logits, pool.quality, pool.both, 0)
        for pool in pools
        if pool.logits is not None
    ]
    return possible(ranking, compared, wanted.orders, wanted.schemes)
