import pytest

from workbench.models.encoder import TinyEncoder
from workbench.ranking.data import PairData
from workbench.ranking.pair_ranker import PairRanker
from workbench.stages.identity import identity


def of(encoder="hub/name", trainer=None, **options):
    return identity(PairRanker(encoder, measures=["m"], **options), PairData(["m"]), trainer or {})


def test_a_setting_at_its_default_is_no_part_of_it():
    assert of(lr=1e-5, pooling="marker") == of()
    assert of(lr=2e-5) != of()
    assert of(pooling="mean") != of()
    assert of(TinyEncoder(layers=1)) != of(TinyEncoder(layers=2))


@pytest.mark.parametrize(
    ("trainer", "same"),
    [
        ({"accelerator": "cpu", "enable_progress_bar": False}, True),
        ({"max_epochs": 2}, False),
        ({"devices": 2}, False),
    ],
)
def test_only_what_changes_the_weights_counts_of_the_trainer(trainer, same):
    assert (of(trainer=trainer) == of()) is same


def test_an_encoder_in_a_directory_counts_by_its_files(tmp_path):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "config.json").write_text("{}")
        (tmp_path / place / "model.safetensors").write_bytes(b"weights")
    assert of(str(tmp_path / "one")) == of(str(tmp_path / "two"))
    (tmp_path / "two" / "model.safetensors").write_bytes(b"other weights")
    assert of(str(tmp_path / "one")) != of(str(tmp_path / "two"))
    assert of("hub/one") != of("hub/two")
