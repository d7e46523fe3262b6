"""An experiment file: `store:` and `stages:`, each stage with the options of its verb."""

import fnmatch
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from workbench.errors import BadValue, MissingInput, UnknownName, WorkbenchError
from workbench.experiment import Step
from workbench.grammar import from_mapping
from workbench.option_errors import BadOption

_KEYS = ("about", "store", "stages")
Options = dict[str, Any]


def read(verb: str, words: Sequence[str], verbs: dict[str, tuple[str, str]]) -> list[Step]:
    """The stages that `workbench run FILE …` or `workbench demo …` stands for.

    Args:
        verb: run or demo.
        words: what follows it on the command line.
        verbs: name of a verb -> (module:function, what it does).

    Raises:
        WorkbenchError: as `steps`; no file.
    """
    words = list(words)
    if "-h" in words or "--help" in words:
        print(_help(verb))
        raise SystemExit(0)
    if verb == "demo":
        text, file = files("workbench").joinpath("demo.yaml").read_text("utf-8"), "demo.yaml"
    else:
        if not words or words[0].startswith("-"):
            raise MissingInput("workbench run FILE.yaml …: name an experiment file")
        file = words.pop(0)
        if not Path(file).is_file():
            raise MissingInput(f"no experiment file {file}")
        try:
            text = Path(file).read_text("utf-8")
        except UnicodeDecodeError as error:
            raise BadOption(f"{file} is no experiment file: it is not text") from error
    return steps(text, file, words, verbs)


def steps(
    text: str, file: str, overrides: Sequence[str], verbs: dict[str, tuple[str, str]]
) -> list[Step]:
    """The stages of an experiment, each checked against its verb's own grammar.

    `stages` maps a label (a verb, or `verb-anything` where a verb stands twice) to the verb's
    options. Overrides are `--store FILE` and `--LABEL.option VALUE`; a star in the label means
    every stage that it fits, such as `--train-*.seed 2`.

    Raises:
        BadOption, BadValue, UnknownName, MissingInput: the first thing that does not fit, before
            any work.
    """
    usable = {name: target for name, (target, _) in verbs.items() if name not in ("run", "demo")}
    document = _document(text, file)
    stages: dict[str, Options] = {}
    for label, options in document["stages"].items():
        if str(label).partition("-")[0] not in usable:
            raise UnknownName(f"stage in {file}", str(label), usable)
        if not isinstance(options, dict | None):
            raise BadValue(f"stage '{label}' in {file}", options, "a mapping of options")
        stages[label] = dict(options or {})
    store = _overridden(document.get("store"), stages, list(overrides))
    if not store:
        raise MissingInput(f"{file} names no store: give --store FILE.duckdb")
    return [
        _step(label, usable, {"store": str(store), **options}) for label, options in stages.items()
    ]


def _document(text: str, file: str) -> Options:
    document = _loaded(text, file)
    if not isinstance(document, dict) or not isinstance(document.get("stages"), dict):
        raise BadValue(file, type(document).__name__, "a mapping with 'store' and 'stages'")
    for key in document:
        if key not in _KEYS:
            raise UnknownName(f"key in {file}", str(key), _KEYS)
    return document


def _loaded(text: str, what: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadOption(f"{what} is not YAML: {error}") from error


def _step(label: str, targets: dict[str, str], options: Options) -> Step:
    verb = label.partition("-")[0]
    try:
        function, arguments = from_mapping(verb, targets[verb], options)
    except WorkbenchError as error:
        raise BadOption(f"stage '{label}': {error}") from error
    return Step(label, verb, function, arguments)


def _overridden(store: Any, stages: dict[str, Options], words: list[str]) -> Any:
    """The store, after `--store` and the options of stages have been put in place."""
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("--") or (not equals and not words):
            raise BadOption(f"'{word}': expected --store FILE or --STAGE.option VALUE")
        value = value if equals else words.pop(0)
        if name == "--store":
            store = value
        elif name in ("--tracking_uri", "--tracking-uri"):
            os.environ["MLFLOW_TRACKING_URI"] = value
        else:
            _put(stages, name, _loaded(value, name))
    return store


def _put(stages: dict[str, Options], name: str, value: Any) -> None:
    label, *path = name.removeprefix("--").split(".")
    meant = fnmatch.filter(stages, label) if "*" in label else [label] if label in stages else []
    if not meant or not path:
        known = [f"--{label}.…" for label in stages]
        raise UnknownName("option", name, ["--store", "--tracking_uri", *known])
    path = [part.replace("-", "_") for part in path]
    for label in meant:
        _put_into(stages[label], name, path, value)


def _put_into(options: Options, name: str, path: Sequence[str], value: Any) -> None:
    """Puts a value where a path of names leads in the options of a stage."""
    place: Any = options
    for part in path[:-1]:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise BadOption(f"{name}: '{part}' is {place!r} and has no options of its own")
    place[path[-1]] = value


def _help(verb: str) -> str:
    what = "FILE.yaml " if verb == "run" else ""
    return (
        f"usage: workbench {verb} {what}[--store FILE] [--STAGE.option VALUE …]\n\n"
        "Does the stages of an experiment in their order, skipping what is done.\n\n"
        "  --store FILE            DuckDB file (default: the experiment's own)\n"
        "  --tracking_uri URI      MLflow tracking store (default: MLFLOW_TRACKING_URI, else\n"
        "                          SQLite beside the store)\n"
        "  --STAGE.option VALUE    any option of a stage, as --train.trainer.max_steps 10, or\n"
        "                          of all stages that a star fits, as '--train-*.seed 2';\n"
        "                          `workbench VERB --help` tells a stage's options and defaults"
    )
