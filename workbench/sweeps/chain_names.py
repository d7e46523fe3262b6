"""Chains as choices, and the texts that name them in the store."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workbench.routing.policies import Policy
from workbench.stages.rankers import short, short_scheme
from workbench.stages.system_names import BEST_SINGLE, RANDOM, best_single_system

CHAIN = "chain:"
ALL = "all"
"""Stands for a router: all LLMs are asked."""
ARGMAX = "argmax"
_NAME = re.compile(
    CHAIN + r"(?:(?P<all>all)|(?P<router>.+)/(?P<policy>[^/]*)/m=(?P<m>\d+))"
    r"(?:/(?P<ranker>[^/]*)/(?P<scheme>[^/]*))?"
    r"(?:/(?P<fuser>[^/]*)/top_k=(?P<top_k>\d+);decoding=(?P<decoding>.*))?"
)


class ChainChoice(NamedTuple):
    """What is asked, how it is ranked, and how many answers are fused."""

    router: str
    """Id of a router with routes, `BestSingle[measure]`, `Random(seed=0)` or `all`."""
    policy: str = ARGMAX
    """Canonical text of a routing policy."""
    m: int = 0
    """LLMs that are asked; 0: all."""
    scheme: str = ""
    """Canonical text of a scheme; '' where one LLM is asked."""
    top_k: int = 1
    """Answers that are fused; 1: the best one is taken as it is."""


class Models(NamedTuple):
    """The models that a chain names beside its router; '' where there is none."""

    ranker: str = ""
    fuser: str = ""
    decoding: str = ""


def best_single_router(measure: str) -> str:
    """The router that orders LLMs by their mean quality on the split of the trials."""
    return best_single_system(measure)


def random_router(seed: int) -> str:
    """The router that orders the LLMs of each prompt by chance."""
    return f"{RANDOM}(seed={seed})"


def chain_name(choice: ChainChoice, models: Models) -> str:
    """`chain:ROUTER/POLICY/m=3/RANKER/SCHEME/FUSER/top_k=2;decoding=…`, as far as it goes."""
    asked = choice.router
    if choice.router != ALL:
        asked += f"/{choice.policy}/m={choice.m}"
    ranked = f"/{models.ranker}/{choice.scheme}" if choice.scheme else ""
    made = f"/{models.fuser}/top_k={choice.top_k};decoding={models.decoding}"
    return f"{CHAIN}{asked}{ranked}{made if choice.top_k > 1 else ''}"


def chain_choice(name: str) -> ChainChoice:
    """The choice that a name tells; raises ValueError for what names no chain."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"not the name of a chain: {name}")
    scheme, top_k = found["scheme"] or "", int(found["top_k"] or 1)
    if found["all"]:
        return ChainChoice(ALL, ARGMAX, 0, scheme, top_k)
    return ChainChoice(found["router"], found["policy"], int(found["m"]), scheme, top_k)


def fused_scheme(choice: ChainChoice, llms: Sequence[str]) -> str:
    """What a fusion's `scheme` tells: which LLMs were chosen from, how, and the ranking."""
    among = hashlib.blake2b("\n".join(llms).encode("utf-8"), digest_size=4).hexdigest()
    routed = "" if choice.router == ALL else f", policy={choice.policy}, m={choice.m}"
    return f"chain(router={choice.router}{routed}, llms={among});{choice.scheme}"


def router_labels(routers: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """Routers for people: the class of a trained one, with its id where several are of one."""
    classes = [known.get(router, "") for router in routers]
    labels = {}
    for router, name in zip(routers, classes, strict=True):
        if router.startswith(f"{BEST_SINGLE}["):
            labels[router] = "BestSingle's order"
        elif router.startswith(f"{RANDOM}("):
            labels[router] = "random LLMs"
        elif router == ALL:
            labels[router] = "all LLMs"
        elif name and classes.count(name) == 1:
            labels[router] = name
        else:
            labels[router] = f"{name} {short(router)}".strip()
    return labels


def chain_label(choice: ChainChoice, labels: Mapping[str, str]) -> str:
    """A chain for people, in its order: `ZOOTER, λ=0.1, m=3, max_logits, fuse 2`.

    λ is that of its policy `cost_aware(lambda=0.1)`, which `route` and `evaluate` take.
    """
    words = [labels.get(choice.router, choice.router)]
    if choice.router != ALL:
        lambda_ = chain_lambda(choice)
        words += [] if lambda_ is None else [f"λ={lambda_:g}"]
        words.append(f"m={choice.m}")
    if choice.scheme:
        words.append(short_scheme(choice.scheme))
    if choice.top_k > 1:
        words.append(f"fuse {choice.top_k}")
    return ", ".join(words)


def chain_lambda(choice: ChainChoice) -> float | None:
    """λ of the chain's policy: a call that costs 1 takes so much off the LLM's utility."""
    found = dict(Policy.parse(choice.policy).params).get("lambda")
    return None if found is None else float(found)
