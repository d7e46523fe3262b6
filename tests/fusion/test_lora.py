"""Adapters: they alone are trained, and merged they are a plain model."""

import pytest
import torch
from tiny_writers import writer
from transformers import AutoModelForSeq2SeqLM

from workbench.errors import BadValue
from workbench.fusion.lora import LoRA, merged, with_lora


def loss(model):
    ids = torch.tensor([[5, 6, 7], [8, 9, 10]])
    return model(input_ids=ids, labels=ids.flip(0)).loss


def trained(model, steps=5):
    model.train()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
    return model.eval()


@pytest.mark.parametrize("kind", ["t5", "bart", "llama"])
def test_only_adapters_are_trained(kind):
    model = with_lora(writer(kind, 40), LoRA(rank=3, dropout=0.0))
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    first = loss(model).item()
    trained(model)
    moved = {n for n, value in model.named_parameters() if not torch.equal(value, before[n])}
    assert moved
    assert all("lora_" in name for name in moved)
    assert loss(model).item() < first


def test_merged_and_saved_it_is_a_plain_model_with_equal_outputs(tmp_path):
    model = trained(with_lora(writer("t5", 40), LoRA(rank=3)))
    plain = merged(model)
    plain.save_pretrained(tmp_path)
    loaded = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    ids = torch.tensor([[5, 6, 7, 9]])
    inputs = {"input_ids": ids, "decoder_input_ids": ids}
    with torch.no_grad():
        own, other = model(**inputs).logits, loaded(**inputs).logits
        bare = model.get_base_model()
        with model.disable_adapter():
            without = bare(**inputs).logits
    torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(own, without, atol=1e-2)
    assert not any("lora" in name for name in loaded.state_dict())
    # The model itself still has its adapters, and can be trained on.
    assert any("lora" in name for name in model.state_dict())


def test_targets_choose_layers():
    model = with_lora(writer("t5", 40), LoRA(rank=2, targets=["q", "v"]))
    layers = {n.split(".lora_")[0].split(".")[-1] for n in model.state_dict() if ".lora_" in n}
    assert layers == {"q", "v"}
    everything = with_lora(writer("t5", 40), LoRA(rank=2))
    names = {n.split(".lora_")[0].split(".")[-1] for n in everything.state_dict() if ".lora_" in n}
    assert names == {"q", "k", "v", "o", "wi", "wo"}


@pytest.mark.parametrize(
    "options", [{"rank": 0}, {"alpha": 0.0}, {"dropout": 1.0}, {"targets": []}]
)
def test_options_are_checked(options):
    with pytest.raises(BadValue) as told:
        LoRA(**options)
    assert told.value.name == f"lora.{next(iter(options))}"


def test_targets_that_there_are_none_of():
    with pytest.raises(BadValue, match="nowhere"):
        with_lora(writer("t5", 40), LoRA(targets=["nowhere"]))
