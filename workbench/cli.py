"""`workbench VERB …`: each verb is a function; its options are the function's parameters.

Only the verb that is called is imported, so that `workbench --help` answers at once. An experiment
file holds, stage by stage, the same options that the command line takes (`experiment_file.py`,
the only place that reads YAML).
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from workbench import __version__
from workbench.errors import UnknownName, WorkbenchError

VERBS = {
    "ingest": ("workbench.stages.ingest:ingest", "bring prompts and candidates into a store"),
    "measure": ("workbench.stages.measure:measure", "compute the quality of each answer"),
    "tag": ("workbench.stages.tag:tag", "tell of what kind prompts are"),
    "price": ("workbench.stages.price:price", "note how large LLMs are and what they cost"),
    "judge": ("workbench.stages.judge:judge", "have an LLM compare answers two at a time"),
    "train": ("workbench.stages.train:train", "train a ranker, fuser or router on a store"),
    "compare": ("workbench.stages.compare:compare", "write a ranker's logit of every pair"),
    "route": ("workbench.stages.route:route", "write which LLM to ask, from the prompt alone"),
    "aggregate": ("workbench.stages.aggregate:aggregate", "turn pair logits into rankings"),
    "fuse": ("workbench.stages.fuse:fuse", "merge the best candidates of prompts into one answer"),
    "evaluate": (
        "workbench.stages.evaluate:evaluate",
        "tell what picks, fusions and routes are worth",
    ),
    "sweep": ("workbench.sweeps.sweep:sweep", "search schemes, order and top-K on stored logits"),
    "tune": ("workbench.sweeps.tune:tune", "search K, order and decoding of a fuser"),
    "chain": ("workbench.sweeps.chain:chain", "search route, rank and fuse by quality and cost"),
    "run": ("workbench.experiment:run", "do all stages of an experiment file, skipping done ones"),
    "demo": ("workbench.experiment:demo", "the whole job on an embedded simulated pool"),
    "dashboard": ("workbench.dashboard:dashboard", "show a store on web pages, on localhost"),
    "info": ("workbench.stages.info:info", "tell what is in a store"),
    "export": ("workbench.stages.export:export", "copy a table or view to Parquet or CSV"),
    "save": ("workbench.stages.save:save", "copy a trained model into a directory"),
    "forget": ("workbench.stages.forget:forget", "remove what a run wrote"),
}
STOPPED = 130  # the shell's code for a process that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit status: 0 well, 2 a user's error, 130 stopped."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if arguments[0] == "--version":
        print(f"workbench {__version__}")
        return 0
    verb, *rest = arguments
    try:
        if verb not in VERBS:
            raise UnknownName("verb", verb, VERBS)
        return _call(verb, rest)
    except WorkbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "\nstopped. The store is whole; the same command goes on where this one stopped:\n"
            f"  workbench {' '.join(arguments)}",
            file=sys.stderr,
        )
        return STOPPED


def overview() -> str:
    """The help page: every verb with what it does."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {does}" for verb, (_, does) in VERBS.items()]
    return "\n".join(
        [
            "usage: workbench VERB [options]",
            "",
            "Rank, fuse and route the answers of many LLMs, and find out what pays.",
            "",
            *lines,
            "",
            "  workbench VERB --help tells a verb's options, defaults and units.",
            "  workbench demo shows the whole job on simulated LLMs in a few minutes.",
            "  MLFLOW_TRACKING_URI says where runs go; default: SQLite beside the store.",
        ]
    )


def _call(verb: str, arguments: list[str]) -> int:
    # A class of one's own may lie where the command is called; behind all that is installed.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    # Else tokenizers warn, and go slower, in the worker processes of a data loader.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # Nobody is told what is run here, unless the user wants it.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Threads that spin while they wait stall each other where other work shares the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if verb in ("run", "demo"):
        stages = import_module("workbench.experiment_file").read(verb, arguments, VERBS)
        function, values = (
            import_module("workbench.grammar").load(VERBS[verb][0]),
            {"steps": stages},
        )
    else:
        function, values = import_module("workbench.grammar").parse(verb, VERBS[verb][0], arguments)
    result = function(**values)
    if result is not None:
        import_module("workbench.terminal").out.print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
