"""One grammar for the command line and for experiment files: a function's own signature.

`parse` turns the words after a verb into the arguments of its function, typed and checked by
jsonargparse; `from_mapping` does the same with the options of a stage in an experiment file.
"""

import inspect
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from jsonargparse import ArgumentError, ArgumentParser, Namespace, set_parsing_settings

from workbench.errors import MissingInput
from workbench.option_errors import BadOption, explained

set_parsing_settings(docstring_parse_attribute_docstrings=True)

# Given without a name: `workbench forget RUN`.
_POSITIONAL = {"forget": {"run": "id of an MLflow run, or its beginning"}}
_LIST = re.compile(r"\b(list|Sequence)\[")


def load(target: str) -> Callable[..., Any]:
    """The function that 'module:name' stands for."""
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def parse(
    verb: str, target: str, words: Sequence[str]
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function of a verb and its arguments.

    Raises:
        BadOption: an unknown option (the nearest valid one is named) or a wrong type.
    """
    words = [_underscored(word) for word in words]
    source = _source_name(words) if verb == "ingest" else None
    function = load(target)
    parser = _parser(verb, function, source)
    words = _listed(parser, words)
    return function, _arguments(parser, source, lambda: parser.parse_args(words))


def _underscored(word: str) -> str:
    """`--on-error` as `--on_error`: both spellings are usual; what follows a `=` stays."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value


def from_mapping(
    verb: str, target: str, options: Mapping[str, Any]
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function of a verb and its arguments, from the options of an experiment's stage.

    Raises:
        BadOption: as `parse`.
        MissingInput: an ingest without a source.
    """
    function, options = load(target), dict(options)
    source = options.pop("source", None) if verb == "ingest" else None
    if verb == "ingest" and not source:
        raise MissingInput("it names no source")
    parser = _parser(verb, function, source)
    lists = set(_list_options(parser))
    for name, value in options.items():
        if isinstance(value, str) and f"--{name}" in lists:
            options[name] = json.loads(_as_list(value)) if value[:1] != "[" else value
    return function, _arguments(parser, source, lambda: parser.parse_object(options))


def _source_name(words: list[str]) -> str:
    from workbench.sources import SOURCES

    if not words or words[0].startswith("-"):
        if any(word in ("-h", "--help") for word in words):
            print(f"usage: workbench ingest SOURCE [options]\n\nsources: {', '.join(SOURCES)}")
            print("\n`workbench ingest SOURCE --help` tells a source's options.")
            raise SystemExit(0)
        raise MissingInput(f"workbench ingest SOURCE …: name a source: {', '.join(SOURCES)}")
    return words.pop(0)


@cache  # an experiment has many stages of one verb, and reading a signature takes 0.1 s
def _parser(verb: str, function: Callable[..., Any], source: str | None) -> ArgumentParser:
    name = f"workbench {verb}" + (f" {source}" if source else "")
    about = (inspect.getdoc(function) or "").split("\n\n")[0]
    # Without abbreviations, or a misspelt option could be the beginning of another.
    parser = ArgumentParser(prog=name, description=about, exit_on_error=False, allow_abbrev=False)
    positional = _POSITIONAL.get(verb, {})
    for argument, told in positional.items():
        parser.add_argument(argument, type=str, help=told)
    skip: set[str | int] = {"source", "options", "trainer", *positional}
    parser.add_function_arguments(function, skip=skip, as_group=False)
    parser.add_argument(
        "--tracking_uri",
        type=str | None,
        default=None,
        help="MLflow tracking store; default: MLFLOW_TRACKING_URI, else SQLite beside the store",
    )
    if "trainer" in inspect.signature(function).parameters:
        from pytorch_lightning import Trainer

        from workbench.stages.engine import OWN_TRAINER_OPTIONS

        parser.add_class_arguments(
            Trainer, "trainer", instantiate=False, skip=set(OWN_TRAINER_OPTIONS)
        )
    if source:
        from workbench.sources import load_source

        parser.add_function_arguments(load_source(source), as_group=False)
    return parser


def _arguments(
    parser: ArgumentParser, source: str | None, read: Callable[[], Namespace]
) -> dict[str, Any]:
    """The typed arguments, models and data made; none of them has done any work yet."""
    try:
        values = read()
    except ArgumentError as error:
        raise BadOption(explained(parser, str(error))) from error
    uri = values.pop("tracking_uri", None)
    try:
        made = dict(vars(parser.instantiate(values)))
    except ValueError as error:  # jsonargparse's own, of a value that no member of a union takes
        raise BadOption(explained(parser, str(error))) from error
    if uri:
        os.environ["MLFLOW_TRACKING_URI"] = uri
    if "trainer" in made:
        made["trainer"] = {
            name: value
            for name, value in values.trainer.as_dict().items()
            # jsonargparse notes beside the options of a file where that lies
            if not name.startswith("__") and value != parser.get_default(f"trainer.{name}")
        }
    if source:
        made["source"] = source
    return made


def _listed(parser: ArgumentParser, words: list[str]) -> list[str]:
    """Writes `--measures a,b` as the list that it stands for; names may hold brackets."""
    lists = set(_list_options(parser))
    written: list[str] = []
    for word in words:
        option, equals, value = word.partition("=")
        if option in lists and equals:
            written += [option, _as_list(value)]
        elif written and written[-1] in lists:
            written.append(_as_list(word))
        else:
            written.append(word)
    return written


def _list_options(parser: ArgumentParser) -> Iterator[str]:
    """Options that take a list, those of a class (`--data.measures`) too."""
    for action in parser._actions:
        kind = getattr(action, "_typehint", None)
        names = [name for name in action.option_strings if not name.endswith("+")]
        if inspect.isclass(kind) and kind.__module__.startswith("workbench."):
            for key in _list_parameters(kind):
                yield from (f"{name}.{key}" for name in names)
                yield from (f"{name}.init_args.{key}" for name in names)
        elif _LIST.search(str(kind)) and not _takes_words(kind):
            yield from names


def _takes_words(kind: Any) -> bool:
    """Whether a value that is no list will do too, as of the Trainer's `devices: list | int`."""
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return any(not _LIST.search(str(member)) and member is not NoneType for member in members)


def _list_parameters(kind: type) -> set[str]:
    """Parameters that take a list, of a class, its bases and all its subclasses known so far."""
    family = [*kind.__mro__]
    for member in family:
        below = member.__subclasses__() if issubclass(member, kind) else []
        family += [found for found in below if found not in family]
    signatures = [inspect.signature(member.__init__) for member in family]  # type: ignore[misc]
    return {
        key
        for signature in signatures
        for key, parameter in signature.parameters.items()
        if _LIST.search(str(parameter.annotation))
    }


def _as_list(value: str) -> str:
    if value.startswith("[") or value == "null":
        return value
    # Commas inside brackets belong to a name: bradley_terry(prior=0.1,tolerance=1e-6)
    parts = re.split(r",(?![^(\[]*[)\]])", value)
    return json.dumps([part.strip() for part in parts])
