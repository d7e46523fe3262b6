"""GenFuser's options: checked at once, kept as plain values, and what is built by them."""

import pytest
import torch

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.lora import LoRA
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.tiny_seq2seq import TinySeq2Seq
from workbench.fusion.warm_seq2seq import WarmSeq2Seq

TEXTS = ["one", "the two answer is good", "it is that"]
TINY = TinySeq2Seq(hidden_size=16, layers=1, heads=2, intermediate=16, vocab_size=100)


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (BadValue, {"target_maxlength": 1}),
        (BadValue, {"label_smoothing": 1.0}),
        (BadValue, {"label_smoothing": float("nan")}),
        (BadValue, {"lr": 0.0}),
        (BadValue, {"attention": "fast"}),
        (BadValue, {"dropout": 1.0}),
        (UnknownName, {"dtype": "float16"}),
        (UnknownName, {"schedule": "up"}),
        (UnknownName, {"prompt": {"wording": "x"}}),
        (UnknownName, {"lora": {"width": 2}}),
        (BadValue, {"model": TINY, "lora": LoRA()}),
        (BadValue, {"model": WarmSeq2Seq("x"), "lora": LoRA()}),
        (UnknownName, {"model": {"hidden": 2}}),
        (BadValue, {"model": {"hidden_size": 6, "heads": 4}}),
        (BadValue, {"model": {"dropout": 1.0}}),
        (BadValue, {"model": {"layers": 0}}),
    ],
)
def test_options_are_checked(error, options):
    with pytest.raises(error):
        GenFuser(**{"model": "some/model", **options})


def test_options_are_kept_as_plain_values():
    prompt, decoding = FusionPrompt("plain", max_length=99), Decoding(beams=1)
    own = GenFuser("some/model", prompt=prompt, decoding=decoding, lora=LoRA(rank=2), lr=1e-3)
    plain = dict(own.hparams)
    assert {type(value) for value in plain.values()} <= {str, int, float, bool, dict, type(None)}
    again = GenFuser(**plain)
    assert again.nested == own.nested == {
        "model": "some/model", "prompt": prompt, "decoding": decoding, "lora": LoRA(rank=2)
    }  # fmt: skip
    assert dict(again.hparams) == plain
    assert GenFuser(**dict(GenFuser(TINY).hparams)).model == TINY


def test_nothing_works_before_there_are_weights():
    own = GenFuser("some/model")
    assert not own.built
    for act in (lambda: own.fuse([""], [""], [["a"]]), lambda: own.save_pretrained("x"),
                lambda: own.setup("fit")):  # fmt: skip
        with pytest.raises(BadModel, match="no weights yet"):
            act()
    with pytest.raises(BadValue, match="texts"):
        GenFuser(TINY, prompt=FusionPrompt("plain")).build()


def test_a_model_is_built_once_and_by_the_seed():
    def made():
        torch.manual_seed(5)
        return GenFuser(TINY, prompt=FusionPrompt("plain"), dropout=0.25).build(TEXTS)

    own = made()
    assert own.pretrained_model.config.dropout_rate == 0.25
    model = own.pretrained_model
    assert own.build(["other"]).pretrained_model is model
    assert own.training
    assert model.training
    for name, value in made().state_dict().items():
        assert torch.equal(value, own.state_dict()[name])


def test_a_prompt_that_does_not_go_with_the_tokenizer_is_told():
    with pytest.raises(BadModel, match="needs a tokenizer of T5's family"):
        GenFuser(TINY).build(TEXTS)
