import inspect
import subprocess
import sys

import pytest
from jsonargparse import ArgumentParser

from workbench.errors import UnknownName
from workbench.sources import SOURCES, load_source


def test_unknown_source_names_the_valid_ones():
    with pytest.raises(UnknownName, match=r"Did you mean 'mixinstruct'.*alpaca_eval, jsonl"):
        load_source("mix-instruct")


def test_importing_the_table_of_sources_imports_nothing_heavy():
    code = "import sys, workbench.sources; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pyarrow", "datasets", "duckdb", "torch"}
    assert not heavy & set(told.stdout.split())


@pytest.mark.parametrize("name", SOURCES)
def test_command_line_can_be_made_from_the_signature(name):
    source = load_source(name)
    parser = ArgumentParser()
    parser.add_function_arguments(source)
    text = parser.format_help()
    for option, parameter in inspect.signature(source).parameters.items():
        assert f"--{option}" in text
        assert parameter.annotation is not parameter.empty
    helps = [action.help for action in parser._actions if action.dest not in ("help",)]
    assert all(helps)
