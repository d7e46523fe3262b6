"""Which routes of the store an evaluation compares, by which policies, and at which costs."""

from collections.abc import Sequence
from typing import Any

from workbench import terminal
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.routing.policies import Policy
from workbench.stages.fusion_names import NONE
from workbench.stages.rankers import short
from workbench.stages.route_names import RouteSystem
from workbench.store.costs import UNITS
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import names_of
from workbench.store.store import Store

_PREFERRED = ("usd", "parameters", "tokens")  # what is spent, as directly as it is known
_COSTS = """
    from candidates c left join llms l using (llm) join prompts p using (prompt_id)
    where list_contains($datasets, p.dataset)
"""
_ROUTES = """
    from routes r join prompts p using (prompt_id)
    where list_contains($datasets, p.dataset) and list_contains($splits, p.split)
"""


def chosen_routes(
    store: Store, router: str | None, policies: Sequence[str] | None, config: dict[str, Any]
) -> list[RouteSystem]:
    """The systems of the routers that have routed a prompt to be evaluated, sorted.

    Args:
        store: holds the routes.
        router: id of a router, or its beginning; `none`: no routes; None: all routers.
        policies: texts; argmax alone by default.
        config: `measures`, `datasets` and `splits` that count.

    Raises:
        UnknownName: no router with routes has such an id; a policy names an LLM that no router
            can choose on any of the datasets.
        BadValue: a policy that cannot be read, or none.
        MissingInput: a threshold is to be set on validation, and a router has routed none of it.
    """
    parsed = list(dict.fromkeys(map(Policy.parse, ["argmax"] if policies is None else policies)))
    if not parsed:
        raise BadValue("policies", policies, "at least one policy, such as argmax")
    if router == NONE or not config["measures"]:
        return []
    known = names_of(store, "router")
    if router and not any(name.startswith(router) for name in known):
        raise UnknownName("router with routes", router, [*known, NONE])
    where = {"datasets": config["datasets"], "splits": config["splits"]}
    rows = store.query(f"select distinct router {_ROUTES}", where)["router"].to_pylist()
    routers = sorted(name for name in rows if name.startswith(router or ""))
    if not routers:
        return []
    _check_policies(store, routers, parsed, where)
    return sorted(RouteSystem(r, str(policy)) for r in routers for policy in parsed)


def chosen_unit(store: Store, unit: str | None, config: dict[str, Any]) -> str:
    """The unit of costs: the one that is wished for, else the first that is known of a candidate.

    Raises:
        UnknownName: no such unit.
        MissingInput: a wished unit in which no candidate's cost is known.
    """
    if unit is not None and unit not in UNITS:
        raise UnknownName("unit of cost", unit, UNITS)
    tried = [name for name in (unit, *_PREFERRED) if name]
    counts = ", ".join(f"count({UNITS[name]}) as {name}" for name in dict.fromkeys(tried))
    row = store.query(f"select {counts} {_COSTS}", {"datasets": config["datasets"]}).to_pylist()[0]
    if unit is not None and not row[unit]:
        others = ", ".join(name for name in (*_PREFERRED, "calls") if row.get(name, True))
        how = {
            "usd": "it takes answers whose tokens were counted, and prices (`workbench price`)",
            "tokens": "it takes answers whose tokens were counted",
        }.get(unit, "note the LLMs' sizes with `workbench price`")
        raise MissingInput(
            f"the cost in {unit} is known of no candidate of {', '.join(config['datasets'])}: "
            f"{how}; or choose {others}"
        )
    return unit or next((name for name in _PREFERRED if row[name]), "calls")


def seen_routes(store: Store, systems: Sequence[RouteSystem], config: dict[str, Any]) -> list[str]:
    """Fingerprints of the utilities of some routers, those of validation included, and of costs.

    Args:
        store: holds the routes.
        systems: of `chosen_routes`.
        config: `datasets` and, where costs are told, `cost`.
    """
    found = list[str]()
    datasets = {"datasets": config["datasets"]}
    if systems:
        routers = {"routers": sorted({system.router for system in systems})}
        utilities = """
            select r.router, r.prompt_id, r.llm, r.utility, p.split
            from routes r join prompts p using (prompt_id)
            where list_contains($datasets, p.dataset) and list_contains($routers, r.router)
        """
        found.append(fingerprint(store, utilities, datasets | routers))
    if "cost" in config:
        cost = UNITS[config["cost"]]
        found.append(
            fingerprint(store, f"select c.candidate_id, ({cost}) as cost {_COSTS}", datasets)
        )
    return found


def _check_policies(
    store: Store, routers: Sequence[str], policies: Sequence[Policy], where: dict[str, Any]
) -> None:
    """Raises for what cannot be decided by these policies; tells what is decided in part."""
    rows = store.query(
        """
        select distinct r.router, p.dataset, p.split = 'validation' as held_out, r.llm
        from routes r join prompts p using (prompt_id)
        semi join candidates c on c.prompt_id = r.prompt_id and c.llm = r.llm
        where list_contains($datasets, p.dataset) and list_contains($routers, r.router)
          and (list_contains($splits, p.split) or p.split = 'validation')
        """,
        where | {"routers": list(routers)},
    ).to_pylist()
    llms = dict[tuple[str, str], set[str]]()
    for row in rows:
        llms.setdefault((row["router"], row["dataset"]), set()).add(row["llm"])
    held_out = {(row["router"], row["dataset"]) for row in rows if row["held_out"]}
    for policy in policies:
        able = [place for place, names in llms.items() if can_decide(policy, names)]
        if not able:
            policy.check(sorted(set().union(*llms.values())))
            raise BadValue("policy", str(policy), "LLMs that one router and one dataset both have")
        for name, dataset in able if policy.needs_calibration else ():
            if (name, dataset) not in held_out:
                raise MissingInput(
                    f"router {name} has routed no validation prompt of {dataset}, on which the "
                    f"threshold of {policy} is set: run `workbench route --splits [validation]`"
                )
        lacking = [f"{short(name)} on {data}" for name, data in sorted(llms.keys() - set(able))]
        if lacking:
            terminal.say(
                f"{policy} names LLMs that are not there, and is left out: router "
                f"{', '.join(lacking)}"
            )


def can_decide(policy: Policy, llms: Sequence[str] | set[str]) -> bool:
    """Whether the LLMs that a policy names are all there."""
    try:
        policy.check(sorted(llms))
    except UnknownName:
        return False
    return True
