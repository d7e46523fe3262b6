import pytest

from workbench.fusion.data import FusionData
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.lora import LoRA
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.tiny_seq2seq import TinySeq2Seq
from workbench.fusion.warm_seq2seq import WarmSeq2Seq
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


def fused(model="hub/name", data=None, **options):
    return identity(GenFuser(model, **options), FusionData(**(data or {})), {})


def test_groups_of_options_count_by_what_is_not_a_default():
    usual = fused()["model"]["init_args"]
    assert usual == {"model": "hub/name"}
    same = fused(prompt=FusionPrompt(), decoding=Decoding(), lora=None, dtype="float32")
    assert same == fused()
    prompt = FusionPrompt("plain", max_length=99)
    own = fused(TinySeq2Seq(layers=1), prompt=prompt, decoding=Decoding(beams=1))
    assert own["model"]["init_args"] == {
        "model": {"layers": 1}, "prompt": {"template": "plain", "max_length": 99},
        "decoding": {"beams": 1},
    }  # fmt: skip
    assert fused(lora=LoRA()) != fused()
    assert fused(lora=LoRA(rank=2)) != fused(lora=LoRA())
    assert fused(data={"noise": 2.0}) != fused()


def test_a_warm_start_counts_by_the_files_of_its_encoder(tmp_path):
    for place, weights in (("one", b"weights"), ("two", b"weights"), ("three", b"others")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "model.safetensors").write_bytes(weights)
    one, two, three = (
        fused(WarmSeq2Seq(str(tmp_path / name), 2)) for name in ("one", "two", "three")
    )
    assert one == two != three
    assert fused(str(tmp_path / "one")) == fused(str(tmp_path / "two"))
