"""A whole experiment: its stages in order, each of which skips what is done."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import terminal
from workbench.stages.checkpoints import is_checkpoint


@dataclass
class Step:
    """A stage of an experiment: its label in the file, its verb, its function and arguments."""

    label: str
    verb: str
    function: Callable[..., Any]
    arguments: dict[str, Any]


def run(steps: list[Step]) -> None:
    """Does the stages of an experiment; a later one takes what ranker, fuser or router was
    trained before it.

    Where several rankers were trained, `evaluate` takes all that have rankings; `evaluate` and
    `judge` always take all fusions, and `evaluate` all routes.

    Args:
        steps: stages with their checked arguments, in order.
    """
    latest: dict[str, str] = {}
    rankers: set[str] = set()
    for number, step in enumerate(steps, 1):
        terminal.say(f"\n[{number}/{len(steps)}] {step.label}")
        arguments = dict(step.arguments)
        for kind, name in latest.items():
            every = (kind == "fuser" and step.verb in ("evaluate", "judge")) or (
                kind == "router" and step.verb == "evaluate"
            )
            if not every and not (step.verb == "evaluate" and len(rankers) > 1):
                _take(step, arguments, kind, name)
        result = step.function(**arguments)
        if ranker := getattr(result, "ranker", None):
            latest["ranker"] = ranker
            rankers.add(ranker)
        for kind in ("fuser", "router"):
            made, given = getattr(result, kind, None), arguments.get(kind)
            # The id of one from a directory is no name that it could be loaded by.
            if made and not (given and is_checkpoint(given)):
                latest[kind] = made
        terminal.out.print(result)


def _take(step: Step, arguments: dict[str, Any], kind: str, name: str) -> None:
    """Names the ranker, fuser or router that a stage works with, where its options do not."""
    if step.verb == "save" and (
        kind != "ranker" or arguments.get("fuser") or arguments.get("router")
    ):
        return  # one of them; a ranker where nothing is said
    if kind in inspect.signature(step.function).parameters:
        if arguments.get("model") is None:
            arguments[kind] = arguments.get(kind) or name
    elif kind == "ranker" and getattr(arguments.get("data"), "reads_rankings", False):
        data = arguments["data"]
        data.hparams[kind] = data.hparams[kind] or name


def demo(steps: list[Step]) -> None:
    """The whole job on the embedded simulated pool, then how to look at what it left.

    Args:
        steps: stages of the embedded experiment file.
    """
    run(steps)
    store = Path(steps[0].arguments["store"])
    terminal.out.print(_seen_how(store))


def _seen_how(store: Path) -> str:
    from workbench.tracking import tracking_uri

    return f"""
The pick of the ranker against BestSingle is in the table 'Quality' above; an interval of
'minus BestSingle' that excludes 0 means that ranking answers pays on this pool. What merging
the best three adds is in the table 'Fusion': minus the pick, and minus the fusion of one. What
choosing the LLM beforehand is worth is in 'Routing', and what chains of route, rank and fuse
are worth and cost in 'Chains'.

Look at it in a browser:   workbench dashboard --store {store}
See what is in the store:  workbench info --store {store}
See the runs:              mlflow ui --backend-store-uri {tracking_uri(store)}
See the study:             optuna-dashboard sqlite:///{store.parent / "optuna.db"}
Ask it in SQL:             workbench export --store {store} --table llm_leaderboard --to llms.csv
"""
