"""One grammar for the command line and for experiment files: a function's own signature.

`parse` turns the words after a verb into the arguments of its function, typed and checked by
jsonargparse; `experiment_steps` does the same for each stage of an experiment file, before the
first of them starts.
"""

import inspect
import json
import os
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace, set_parsing_settings

from workbench.errors import BadValue, MissingInput, UnknownName, WorkbenchError
from workbench.experiment import Step

set_parsing_settings(docstring_parse_attribute_docstrings=True)


class BadOption(WorkbenchError):
    """An option that the verb does not take, or a value of the wrong type."""


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
    function = load(target)
    words = list(words)
    if verb in ("run", "demo"):
        return function, _experiment_arguments(verb, words)
    source = _source_name(words) if verb == "ingest" else None
    parser = _parser(verb, function, source)
    values = _checked(parser, verb, lambda: parser.parse_args(_bracketed(parser, words)))
    return function, _arguments(parser, values, source)


def _source_name(words: list[str]) -> str:
    from workbench.sources import SOURCES

    if not words or words[0].startswith("-"):
        if any(word in ("-h", "--help") for word in words):
            print(f"usage: workbench ingest SOURCE [options]\n\nsources: {', '.join(SOURCES)}")
            print("\n`workbench ingest SOURCE --help` tells a source's options.")
            raise SystemExit(0)
        raise MissingInput(f"workbench ingest SOURCE …: name a source: {', '.join(SOURCES)}")
    return words.pop(0)


def _parser(verb: str, function: Callable[..., Any], source: str | None) -> ArgumentParser:
    name = f"workbench {verb}" + (f" {source}" if source else "")
    about = (inspect.getdoc(function) or "").split("\n\n")[0]
    parser = ArgumentParser(prog=name, description=about, exit_on_error=False)
    skip: set[str | int] = {"source", "options", "trainer", "steps"}
    parser.add_function_arguments(function, skip=skip, as_group=False)
    parser.add_argument(
        "--tracking_uri",
        "--tracking-uri",
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


def _checked(parser: ArgumentParser, verb: str, read: Callable[[], Namespace]) -> Namespace:
    try:
        return read()
    except ArgumentError as error:
        raise BadOption(_explained(parser, verb, str(error))) from error


def _explained(parser: ArgumentParser, verb: str, message: str) -> str:
    """jsonargparse's message, with the nearest valid option where one was misspelt."""
    options = [o for action in parser._actions for o in action.option_strings]
    if wanted := re.search(r"nrecognized arguments: (\S+)", message):
        given = wanted[1].partition("=")[0]
    elif wanted := re.search(r"ption '([^']+)' is not accepted", message):
        given = "--" + wanted[1]
    else:
        return f"{message}\nSee: workbench {verb} --help"
    near = get_close_matches(given, options, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{message}.{hint}\nSee: workbench {verb} --help"


def _bracketed(parser: ArgumentParser, words: list[str]) -> list[str]:
    """Writes `--measures a,b` as the list that it stands for; names may hold brackets."""
    lists = {
        option
        for action in parser._actions
        if "list[" in str(getattr(action, "_typehint", ""))
        for option in action.option_strings
        if not option.endswith("+")
    }
    written = []
    for word in words:
        option, equals, value = word.partition("=")
        if option in lists and equals:
            written += [option, _as_list(value)]
        elif written and written[-1] in lists:
            written.append(_as_list(word))
        else:
            written.append(word)
    return written


def _as_list(value: str) -> str:
    if value.startswith("[") or value == "null":
        return value
    # Commas inside brackets belong to a name: bradley_terry(prior=0.1,tolerance=1e-6)
    parts = re.split(r",(?![^(\[]*[)\]])", value)
    return json.dumps([part.strip() for part in parts])


def _arguments(parser: ArgumentParser, values: Namespace, source: str | None) -> dict[str, Any]:
    uri = values.pop("tracking_uri", None)
    if uri:
        os.environ["MLFLOW_TRACKING_URI"] = uri
    made = dict(vars(parser.instantiate(values)))
    made.pop("config", None)
    if "trainer" in made:
        made["trainer"] = {
            name: value
            for name, value in values.trainer.as_dict().items()
            if value != parser.get_default(f"trainer.{name}")
        }
    if source:
        made["source"] = source
    return made


def _experiment_arguments(verb: str, words: list[str]) -> dict[str, Any]:
    if "-h" in words or "--help" in words:
        what = "FILE.yaml" if verb == "run" else ""
        print(
            f"usage: workbench {verb} {what} [--store FILE] [--STAGE.option VALUE …]\n\n"
            "Does the stages of an experiment in their order, skipping what is done.\n\n"
            "  --store FILE            DuckDB file (default: the experiment's own)\n"
            "  --tracking_uri URI      MLflow tracking store\n"
            "  --STAGE.option VALUE    any option of a stage, as --train.trainer.max_steps 10;\n"
            "                          `workbench VERB --help` tells a stage's options"
        )
        raise SystemExit(0)
    if verb == "demo":
        text, file = files("workbench").joinpath("demo.yaml").read_text("utf-8"), "demo.yaml"
    else:
        if not words or words[0].startswith("-"):
            raise MissingInput("workbench run FILE.yaml …: name an experiment file")
        file = words.pop(0)
        if not Path(file).is_file():
            raise MissingInput(f"no experiment file {file}")
        text = Path(file).read_text("utf-8")
    return {"steps": experiment_steps(text, file, words)}


def experiment_steps(text: str, file: str, overrides: Sequence[str]) -> list[Step]:
    """The stages of an experiment file, each checked against its verb's own grammar.

    The file holds `store:` and `stages:`, a mapping from a label (a verb, or `verb-anything`
    where a verb stands twice) to the verb's options. Overrides are `--store S` and
    `--label.option value`.

    Raises:
        BadOption, UnknownName, MissingInput: the first thing that does not fit, before any work.
    """
    from workbench.cli import VERBS

    document = yaml.safe_load(text)
    if not isinstance(document, dict) or not isinstance(document.get("stages"), dict):
        raise BadValue(file, type(document).__name__, "a mapping with 'store' and 'stages'")
    for key in document:
        if key not in ("about", "store", "stages"):
            raise UnknownName(f"key in {file}", str(key), ("about", "store", "stages"))
    stages = {label: dict(options or {}) for label, options in document["stages"].items()}
    store = _override(document.get("store"), stages, list(overrides))
    if not store:
        raise MissingInput(f"{file} names no store: give --store FILE.duckdb")
    steps = []
    for label, options in stages.items():
        verb = label.partition("-")[0]
        usable = {v: t for v, (t, _) in VERBS.items() if v not in ("run", "demo")}
        if verb not in usable:
            raise UnknownName(f"stage in {file}", label, usable)
        steps.append(_step(label, verb, usable[verb], {"store": store, **options}))
    return steps


def _step(label: str, verb: str, target: str, options: dict[str, Any]) -> Step:
    function = load(target)
    source = options.pop("source", None) if verb == "ingest" else None
    if verb == "ingest" and not source:
        raise MissingInput(f"{label}: names no source")
    parser = _parser(verb, function, source)
    try:
        values = _checked(parser, verb, lambda: parser.parse_object(options))
    except BadOption as error:
        raise BadOption(f"stage '{label}': {error}") from error
    return Step(label, verb, function, lambda: _arguments(parser, values, source))


def _override(store: Any, stages: dict[str, dict[str, Any]], words: list[str]) -> Any:
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("--") or (not equals and not words):
            raise BadOption(f"'{word}': expected --store FILE or --STAGE.option VALUE")
        value = value if equals else words.pop(0)
        name = name[2:]
        if name == "store":
            store = value
            continue
        if name in ("tracking_uri", "tracking-uri"):
            os.environ["MLFLOW_TRACKING_URI"] = value
            continue
        label, *path = name.split(".")
        if label not in stages or not path:
            raise UnknownName("stage option", name, [f"{label}.…" for label in stages])
        place: Any = stages[label]
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = yaml.safe_load(value)
    return store
