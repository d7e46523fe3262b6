"""Errors of the command line and of experiment files, with the option that was likely meant."""

import inspect
import re
from difflib import get_close_matches
from importlib import import_module
from typing import Any, get_args

from jsonargparse import ArgumentParser

from workbench.errors import WorkbenchError

_NO_CLASS = re.compile(r'Parser key "([^"]+)".*Expected a dot import path string: (\S+)', re.S)


class BadOption(WorkbenchError):
    """An option that the verb does not take, or a value of the wrong type."""


def explained(parser: ArgumentParser, message: str) -> str:
    """jsonargparse's message, with the nearest valid name, and where the valid ones are told."""
    given, valid = _misspelt(parser, message)
    near = get_close_matches(given, valid, n=1, cutoff=0.6)
    hint = f"\nDid you mean {near[0]}?" if near else ""
    if _NO_CLASS.search(message):
        hint += f"\nValid: {', '.join(valid)}, or module.Class of your own"
    return f"{message}{hint}\nSee: {parser.prog} --help"


def _misspelt(parser: ArgumentParser, message: str) -> tuple[str, list[str]]:
    """The name in a message that is not valid, and the names that are."""
    options = [o for action in parser._actions for o in action.option_strings]
    if found := re.search(r"nrecognized arguments: (\S+)", message):
        return found[1].partition("=")[0], options
    if found := re.search(r"Group '([^']+)' does not accept option '([^']+)'", message):
        return f"--{found[1]}.{found[2]}", options
    if found := re.search(r"ption '([^']+)' is not accepted", message):
        within = re.findall(r"class_path '([^']+)'", message[: found.start()])
        if within:
            return found[1], _parameters(within[-1])
        return f"--{found[1]}", options
    if found := _NO_CLASS.search(message):
        kinds = [a._typehint for a in parser._actions if a.dest == found[1]]  # type: ignore[attr-defined]
        return found[2], [name for kind in kinds for name in _classes(kind)]
    if found := re.search(r"typing\.Literal\[(.+)\]\. Got value: (\S+)", message):
        return found[2], re.findall(r"'([^']+)'", found[1])
    return "", []


def _parameters(path: str) -> list[str]:
    module, _, name = path.rpartition(".")
    family = getattr(import_module(module), name).__mro__
    return [name for kind in family for name in inspect.signature(kind.__init__).parameters]


def _classes(kind: Any) -> list[str]:
    """Names of the classes, known so far, that an option of this type takes."""
    found = [one for one in (kind, *get_args(kind)) if inspect.isclass(one)]
    for one in found:
        found += [below for below in one.__subclasses__() if below not in found]
    return sorted(one.__name__ for one in found if _usable(one))


def _usable(kind: type) -> bool:
    return kind.__module__.startswith("workbench.") and not inspect.isabstract(kind)
