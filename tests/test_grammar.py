"""How the words of a command line are read where jsonargparse alone would read them otherwise."""

import pytest

from workbench.cli import VERBS
from workbench.grammar import parse

TRAIN = [
    "--store=x.duckdb", "--model=RewardModel", "--model.encoder=y", "--data=ListData",
    "--data.measures=rougeL@1,chrf@1",
]  # fmt: skip


def trainer(*words):
    """The Trainer's options that a training gets by these words."""
    return parse("train", VERBS["train"][0], [*TRAIN, *words])[1]["trainer"]


@pytest.mark.parametrize(
    ("word", "devices"), [("2", "2"), ("[0, 1]", [0, 1]), ("-1", "-1"), ("0,1", "0,1")]
)
def test_devices_are_a_number_unless_a_list_is_written(word, devices):
    assert trainer("--trainer.devices", word) == {"devices": devices}
    assert trainer(f"--trainer.devices={word}") == {"devices": devices}


def test_the_trainers_own_defaults_are_not_told():
    assert trainer("--trainer.devices", "auto") == {}


def test_the_trainers_options_may_lie_in_a_file(tmp_path):
    file = tmp_path / "trainer.yaml"
    file.write_text("devices: 2\nmax_epochs: 3\n")
    assert trainer("--trainer", str(file)) == {"devices": 2, "max_epochs": 3}


def test_options_that_are_lists_take_names_with_commas_between():
    _, found = parse("train", VERBS["train"][0], TRAIN)
    assert found["data"].hparams["measures"] == ["rougeL@1", "chrf@1"]
