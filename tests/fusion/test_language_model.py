"""Reading a model that writes from a directory: what is wrong with one is told."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import write_mlm
from tiny_writers import chat_tokenizer, t5_tokenizer, writer

from workbench.errors import BadModel
from workbench.fusion.seq2seq import read_language_model
from workbench.models.encoder import EncoderOptions

KINDS = ("t5", "bart", "llama", "gpt2")


def written(kind, folder):
    tokenizer = t5_tokenizer() if kind == "t5" else chat_tokenizer()
    model = writer(kind, len(tokenizer))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_a_directory_gives_the_model_and_tokenizer(kind, tmp_path):
    model = written(kind, tmp_path)
    read, tokenizer = read_language_model(str(tmp_path))
    assert type(read) is type(model)
    for name, value in model.state_dict().items():
        assert torch.equal(read.state_dict()[name], value)
    text = "which cat, 12?"
    own = t5_tokenizer() if kind == "t5" else chat_tokenizer()
    assert tokenizer(text)["input_ids"] == own(text)["input_ids"]
    assert tokenizer.chat_template == own.chat_template


def test_options_and_dtype_are_taken(tmp_path):
    written("t5", tmp_path)
    options = EncoderOptions(dropout=0.25, gradient_checkpointing=True)
    model, _ = read_language_model(str(tmp_path), options, torch.bfloat16)
    assert model.config.dropout_rate == 0.25
    assert model.is_gradient_checkpointing
    assert model.dtype == torch.bfloat16


@pytest.mark.parametrize("kind", ["bert", "deberta", "roberta"])
def test_an_encoder_writes_no_text(kind, tmp_path):
    name = write_mlm(kind, tmp_path)
    with pytest.raises(BadModel, match="writes no text"):
        read_language_model(name)


def test_missing_and_broken_weights_are_told(tmp_path):
    written("t5", tmp_path)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)
    name = "decoder.block.1.layer.0.SelfAttention.q.weight"
    kept = {key: value for key, value in weights.items() if key != name}
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(BadModel, match=r"1 missing \(decoder.block.1"):
        read_language_model(str(tmp_path))
    weights[name][0, 0] = torch.nan
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(BadModel, match=r"1 not finite \(decoder.block.1"):
        read_language_model(str(tmp_path))
    file.write_bytes(b"nothing")
    with pytest.raises(BadModel, match="cannot load"):
        read_language_model(str(tmp_path))


def test_no_model_at_all(tmp_path):
    with pytest.raises(BadModel, match="no directory"):
        read_language_model(str(tmp_path / "nowhere"))
    with pytest.raises(BadModel, match="configuration"):
        read_language_model(str(tmp_path))
