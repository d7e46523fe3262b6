"""The house has floors: a file imports from its own folder and from floors below."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench

HOUSE = Path(workbench.__file__).parent
# A folder, or a file that stands in the house itself. Whoever adds one says where it belongs.
FLOORS = {
    "__init__.py": 0,
    "errors.py": 0,
    "catalog.py": 0,
    "interrupts.py": 0,
    "terminal.py": 0,
    "tracking": 0.5,  # a folder of the ground floor, which stands on its files
    "store": 1,
    "models": 1,
    "sources": 2,
    "quality": 2,
    "aggregation": 3,
    "evaluation": 3,
    "ranking": 4,
    "fusion": 4,
    "routing": 4,
    "stages": 5,
    "blender.py": 5,
    "choosing.py": 5,
    "comparing.py": 5,
    "face.py": 5,
    "fusing.py": 5,
    "sweeps": 6,
    "dashboard.py": 7,
    "experiment.py": 7,
    "cli.py": 8,
    "experiment_file.py": 8,
    "grammar.py": 8,
    "option_errors.py": 8,
}
FILES = sorted(file.relative_to(HOUSE) for file in HOUSE.rglob("*.py"))
HEAVY = ("torch", "pytorch_lightning", "transformers", "duckdb", "yaml", "numpy", "pyarrow",
         "jsonargparse", "mlflow", "optuna", "rich")  # fmt: skip


def file_of(module: str) -> Path | None:
    """workbench.store.ids -> store/ids.py; None for what is no module of the house."""
    path = Path(*module.split(".")[1:])
    for found in (path.with_suffix(".py") if path.name else None, path / "__init__.py"):
        if found is not None and (HOUSE / found).is_file():
            return found
    return None


def imports(source: str) -> Iterator[Path]:
    """Files that a source text imports, inside functions too, or names as 'module:function'."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from workbench.store import ids` may name a module, or something in one.
            names = [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = re.findall(r"^(workbench(?:\.\w+)+):\w+$", node.value)
        for name in names:
            if name.split(".")[0] == "workbench" and (file := file_of(name)):
                yield file


def unit(file: Path) -> str:
    return file.parts[0]


def allowed(file: Path, imported: Path) -> bool:
    if file == Path("__init__.py"):  # the package's face: imported only when it is asked for
        return imported == Path("blender.py")
    here, there = FLOORS[unit(file)], FLOORS[unit(imported)]
    in_the_house_itself = len(file.parts) == len(imported.parts) == 1
    return there < here or unit(file) == unit(imported) or (in_the_house_itself and there == here)


def test_every_file_and_folder_has_a_floor():
    assert {unit(file) for file in FILES} == set(FLOORS)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_go_down(file):
    source = (HOUSE / file).read_text("utf-8")
    assert [str(found) for found in imports(source) if not allowed(file, found)] == []


def test_the_walk_sees_imports_wherever_they_are():
    source = """
import workbench.store.store
from workbench import terminal
from workbench.aggregation import Scheme
from workbench.stages import train
def later():
    from workbench.sweeps.sweep import sweep
    import_module("workbench.grammar")
TARGET = "workbench.stages.compare:compare"
NOT_ONE = "workbench.store"
"""
    assert {str(file) for file in imports(source)} == {
        "__init__.py",
        "store/store.py",
        "terminal.py",
        "aggregation/__init__.py",
        "stages/__init__.py",
        "stages/train.py",
        "sweeps/sweep.py",
        "stages/compare.py",
        "grammar.py",
    }


@pytest.mark.parametrize(
    ("file", "imported", "fine"),
    [
        ("stages/train.py", "ranking/data.py", True),
        ("stages/train.py", "stages/rankers.py", True),
        ("tracking/run.py", "errors.py", True),
        ("store/store.py", "sources/record.py", False),
        ("aggregation/borda.py", "evaluation/report.py", False),
        ("sources/row.py", "quality/measure.py", False),
        ("experiment.py", "cli.py", False),
        ("errors.py", "store/ids.py", False),
    ],
)
def test_which_imports_are_allowed(file, imported, fine):
    assert allowed(Path(file), Path(imported)) == fine


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from workbench.cli import main; assert main(['--help']) == 0; "
        f"sys.exit(', '.join(set({HEAVY!r}) & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: workbench VERB" in done.stdout
