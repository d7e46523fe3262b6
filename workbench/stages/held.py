"""The prompts that all systems have something to say on, so that every comparison is paired."""

from collections.abc import Collection, Mapping

import numpy as np

from workbench import terminal
from workbench.errors import MissingInput
from workbench.stages.fusion_names import is_fusion
from workbench.stages.route_names import is_route
from workbench.stages.system_names import short_systems


def held_by_all(
    held: Mapping[str, np.ndarray], wanted: np.ndarray, place: str, what: str
) -> tuple[set[str], np.ndarray]:
    """The systems that hold any wanted prompt, and [Q] the wanted ones that all of these hold.

    What is lost by that is told on the terminal: of `what` prompts of `place`.

    Args:
        held: name of a ranking, of fusions or of a route -> [Q] bool.
        wanted: [Q] bool.
        place: dataset, split and measure, for people.
        what: what the wanted prompts are, such as "measured".

    Raises:
        MissingInput: no prompt is held by all.
    """
    lacking = {name: int((wanted & ~has).sum()) for name, has in held.items()}
    every = int(wanted.sum())
    used = {name for name in held if lacking[name] < every}
    kept = np.logical_and.reduce([wanted, *(held[name] for name in used)])
    _say_lost(place, what, lacking, every, int(kept.sum()))
    if not kept.any():
        labels = short_systems(name for name in held if name in used)
        raise MissingInput(
            f"no prompt of {place} is {_had(used)} by all of {', '.join(labels.values())}: "
            "evaluate them one by one"
        )
    return used, kept


def _say_lost(place: str, what: str, lacking: dict[str, int], every: int, left: int) -> None:
    """Tells which systems have cost prompts, and how many, or are left out altogether."""
    labels = short_systems(lacking)
    absent = {name: labels[name] for name, n in lacking.items() if n == every}
    told = {
        kind: [label for name, label in absent.items() if _kind(name) == kind] for kind in _KINDS
    }
    if told["ranked"]:
        terminal.say(f"{place}: no prompt is ranked by {', '.join(told['ranked'])}")
    if told["routed"]:
        terminal.say(f"{place}: no prompt is routed by {', '.join(told['routed'])}")
    if told["fused"]:
        terminal.say(f"{place}: no prompt has a measured {', '.join(told['fused'])}")
    if partial := [f"{labels[name]} lacks {n}" for name, n in lacking.items() if 0 < n < every]:
        used = [name for name, n in lacking.items() if n < every]
        terminal.say(
            f"{place}: {left} of {every} {what} prompts are {_had(used)} by all and evaluated; "
            f"{', '.join(partial)}"
        )
        if any(is_fusion(name) and lacking[name] for name in used):
            terminal.say("--fuser none evaluates without fusions, on the prompts that these lack")
        if any(is_route(name) and lacking[name] for name in used):
            terminal.say("--router none evaluates without routes, on the prompts that these lack")


_KINDS = ("ranked", "routed", "fused")


def _kind(name: str) -> str:
    return "fused" if is_fusion(name) else "routed" if is_route(name) else "ranked"


def _had(names: Collection[str]) -> str:
    """Such as "ranked, routed and fused"."""
    kinds = {_kind(name) for name in names}
    told = [kind for kind in _KINDS if kind in kinds]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
