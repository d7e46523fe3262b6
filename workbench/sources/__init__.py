"""Public datasets and formats, one a file: each is a function that yields Records.

`read(path, ...)` gives an iterator of `Record | BadRow`: a row that cannot be used is yielded as
a BadRow, so that its reader decides whether to stop there; what concerns the whole source (a
missing path, another format, an unknown LLM) is raised at the call.

To add a source: write `workbench/sources/<name>.py` with such a function, typed and with an
`Args:` section (the command line is made from them), and name it in SOURCES.
"""

from collections.abc import Callable, Iterator
from importlib import import_module

from workbench.errors import BadRow, UnknownName
from workbench.sources.record import LLM, VERDICTS, Candidate, Record, Verdict

Source = Callable[..., Iterator[Record | BadRow]]

SOURCES: dict[str, str] = {
    "simulated": "workbench.sources.simulated:read",
    "mixinstruct": "workbench.sources.mixinstruct:read",
    "alpaca_eval": "workbench.sources.alpaca_eval:read",
    "pandalm": "workbench.sources.pandalm:read",
    "zeroeval": "workbench.sources.zeroeval:read",
    "llmrouter": "workbench.sources.llmrouter:read",
    "routellm": "workbench.sources.routellm:read",
    "jsonl": "workbench.sources.flat:read_jsonl",
    "parquet": "workbench.sources.flat:read_parquet",
}
"""Name -> module:function; a source's code is imported when it is asked for."""

__all__ = [
    "LLM",
    "SOURCES",
    "VERDICTS",
    "BadRow",
    "Candidate",
    "Record",
    "Source",
    "Verdict",
    "load_source",
]


def load_source(name: str) -> Source:
    """The function of the source called `name`; raises UnknownName with the valid names."""
    if name not in SOURCES:
        raise UnknownName("source", name, SOURCES)
    module, function = SOURCES[name].split(":")
    source: Source = getattr(import_module(module), function)
    return source
