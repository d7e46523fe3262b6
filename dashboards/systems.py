"""What the systems of evaluations are called on the pages, and what kind each one is."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from workbench.errors import WorkbenchError
from workbench.stages.fusion_names import is_fusion
from workbench.stages.ranker_names import named
from workbench.stages.rankers import short
from workbench.stages.route_names import is_route
from workbench.stages.system_names import is_ranking, llm_system, short_systems
from workbench.sweeps.chain_names import (
    CHAIN,
    chain_choice,
    chain_label,
    chain_lambda,
    router_labels,
)

LLM, BASELINE, RANKER, FUSION, ROUTE, CHAINED = (
    "single LLM", "baseline", "ranker", "fusion", "route", "chain",
)  # fmt: skip
SYSTEM_KINDS = (LLM, BASELINE, RANKER, FUSION, ROUTE, CHAINED)
"""Kinds of systems, in the order of their colours."""


def kind_of(system: str) -> str:
    """One of `SYSTEM_KINDS`."""
    if system.startswith(CHAIN):
        return CHAINED
    if system.startswith(llm_system("")):
        return LLM
    if is_fusion(system):
        return FUSION
    if is_route(system):
        return ROUTE
    return RANKER if is_ranking(system) else BASELINE


def system_names(systems: Sequence[str], labels: Mapping[str, str]) -> dict[str, str]:
    """System -> its name on a page, no two the same; one that nobody can read stays as it is.

    Args:
        systems: names of the table `results`.
        labels: id of a ranker, fuser or router -> what it is called.
    """
    chains = [s for s in systems if kind_of(s) == CHAINED]
    others = [s for s in systems if kind_of(s) != CHAINED]
    found = _chains(chains, labels) | _others(others, labels)
    count = Counter(found.values())
    return {
        system: name if count[name] == 1 else f"{name} ({_mark(system)})"
        for system, name in found.items()
    }


def _others(systems: Sequence[str], labels: Mapping[str, str]) -> dict[str, str]:
    try:
        called = [row[0] for row in named([(s, "", "", "", "") for s in systems], labels)]
        shorter = short_systems(called)
    except (WorkbenchError, ValueError):
        if len(systems) < 2:
            return {s: s for s in systems}
        # One that was written by somebody else must not take the others' names away.
        return {s: name for one in systems for s, name in _others([one], labels).items()}
    return {
        system: shorter[name].removeprefix(llm_system(""))
        for system, name in zip(systems, called, strict=True)
    }


def _chains(systems: Sequence[str], labels: Mapping[str, str]) -> dict[str, str]:
    choices = {}
    for system in systems:
        try:
            choices[system] = chain_choice(system)
        except ValueError:
            continue
    # Of all that have a label, so that a chain has the same name whatever stands beside it.
    routers = sorted({*labels, *(choice.router for choice in choices.values())})
    told = router_labels(routers, labels)
    found = {}
    for system in systems:
        try:
            found[system] = chain_label(choices[system], told)
        except (KeyError, ValueError, WorkbenchError):
            found[system] = short(system)
    return found


def lambda_of(system: str) -> float | None:
    """λ of `cost_aware(lambda=…)` in a chain's name; None where there is none."""
    try:
        return chain_lambda(chain_choice(system))
    except (ValueError, WorkbenchError):
        return None


def _mark(system: str) -> str:
    return hashlib.blake2b(system.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
