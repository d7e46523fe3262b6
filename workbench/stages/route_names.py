"""Names of route systems: a router with a policy is one system, a router by itself another."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from workbench.routing.policies import Policy
from workbench.stages.rankers import short

ROUTE, ROUTER = "route:", "router:"
# The label of a router may hold a slash, and so may the names of LLMs in a policy's brackets.
_NAME = re.compile(ROUTE + r"(?P<router>.*?)/(?P<policy>\w+(?:\(.*\))?)", re.DOTALL)
# Parameters whose values are LLMs: long, and mostly the same in all policies of an evaluation.
_LLMS = ("strong", "weak", "default")


@dataclass(frozen=True, order=True)
class RouteSystem:
    """A router, and the canonical text of what is done with its utilities."""

    router: str
    policy: str

    @classmethod
    def parse(cls, name: str) -> "RouteSystem":
        """The system of that name; raises ValueError for what is no route's name."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"not the name of a route system: {name}")
        return cls(**found.groupdict())

    @property
    def name(self) -> str:
        """`route:ROUTER/POLICY`."""
        return f"{ROUTE}{self.router}/{self.policy}"


def router_system(router: str) -> str:
    """Name of a router by itself, for what its utilities are worth under no policy or all."""
    return f"{ROUTER}{router}"


def is_route(name: str) -> bool:
    """Whether a system is a router with a policy."""
    return name.startswith(ROUTE)


def routers_of(names: Iterable[str]) -> set[str]:
    """The routers among these systems, with a policy or by themselves."""
    every = set(names)
    alone = {name.removeprefix(ROUTER) for name in every if name.startswith(ROUTER)}
    return alone | {RouteSystem.parse(name).router for name in every if is_route(name)}


def route_labels(names: Iterable[str]) -> dict[str, str]:
    """Short names of the routes among these systems, such as `ZOOTER/cost_aware(lambda=0.1)`.

    An LLM that all policies with such a parameter name alike is left out. A router by itself is
    called by its name.
    """
    every = list(names)
    systems = {name: RouteSystem.parse(name) for name in every if is_route(name)}
    policies = {s.policy: Policy.parse(s.policy) for s in systems.values()}
    alike = _alike(policies.values())
    alone = {n: short(n.removeprefix(ROUTER)) for n in every if n.startswith(ROUTER)}
    return alone | {
        name: f"{short(system.router)}/{_policy_label(policies[system.policy], alike)}"
        for name, system in systems.items()
    }


def common_llms(names: Iterable[str]) -> str:
    """What the labels of these routes leave out, for a caption; '' where that is nothing."""
    policies = {RouteSystem.parse(name).policy for name in names if is_route(name)}
    alike = _alike([Policy.parse(text) for text in policies])
    return ", ".join(f"{key}: {llm}" for key, llm in alike.items())


def _alike(policies: Collection[Policy]) -> dict[str, str]:
    """Parameter -> the one LLM that all policies with this parameter name."""
    found = dict[str, str]()
    for key in _LLMS:
        values = {str(value) for policy in policies for k, value in policy.params if k == key}
        if len(values) == 1:
            found[key] = values.pop()
    return found


def _policy_label(policy: Policy, alike: Collection[str]) -> str:
    told = [
        f"{key}={value}" if isinstance(value, str) else f"{key}={value:g}"
        for key, value in policy.params
        if key not in alike
    ]
    return f"{policy.name}({', '.join(told)})" if told else policy.name
