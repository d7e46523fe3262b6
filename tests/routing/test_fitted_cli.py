"""A router on vectors as users train it and route with it: by class path, on the command line."""

import shutil

import pytest
from two_kinds import LLMS, world

from workbench.cli import main
from workbench.store.store import Store

MODEL = "--model=workbench.routing.knn.KNNRouter"
DATA = ["--data=workbench.routing.data.RouterData", "--data.measure=m"]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory, empty_tracking):
    folder = tmp_path_factory.mktemp("cli")
    shutil.copy(empty_tracking / "mlflow.db", folder)
    return world(folder, prompts=48)


def test_trained_and_routed_by_the_command_line(made_up, capsys):
    options = ["--model.neighbours=[3, 5]", "--model.encoder.dimensions=8", *DATA]
    assert main(["train", f"--store={made_up}", MODEL, *options]) == 0
    assert "validation/gap_closed" in capsys.readouterr().out
    assert main(["train", f"--store={made_up}", MODEL, *options]) == 0
    assert "trained before" in capsys.readouterr().out
    assert main(["route", f"--store={made_up}", "--splits=[validation]"]) == 0
    rows = Store(made_up).query(
        "select p.category, arg_max(r.llm, r.utility) as llm from routes r "
        "join prompts p using (prompt_id) group by p.prompt_id, p.category"
    )
    chosen = {(row["category"], row["llm"]) for row in rows.to_pylist()}
    assert chosen == {("sums", LLMS[0]), ("verse", LLMS[1])}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--model.encoder.dimensions=0"], "dimensions"),
        (["--model.encoder=./nowhere"], "no directory './nowhere'"),
        (["--model.encoder.dimensions=8", "--model.neighbors=3"], "neighbors"),
        (["--model.encoder.dimensions=8", "--model.neighbours=0"], "neighbours"),
        (["--model.encoder.dimensions=8", "--model.weights=near"], "weights"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(made_up, capsys, options, told):
    assert main(["train", f"--store={made_up}", MODEL, *options, *DATA]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error
