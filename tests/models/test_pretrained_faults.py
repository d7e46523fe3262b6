"""Checkpoints that cannot be used as they are, told before any work."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import byte_tokenizer, word_tokenizer, write_classifier, write_mlm
from transformers import AutoModel, AutoTokenizer

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.encoder import TinyEncoder
from workbench.ranking.mlm_scoring import MLMScoring
from workbench.ranking.reward_model import RewardModel

LENGTHS = {"source_maxlength": 20, "candidate_maxlength": 20}
RANKERS = {RewardModel: write_classifier, MLMScoring: write_mlm}
both = pytest.mark.parametrize("ranker", RANKERS)


def prepared(ranker, folder, **options):
    return ranker(str(folder), **{**LENGTHS, **options}).prepare()


def changed(folder, change):
    """Changes the weights in a folder."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@both
@pytest.mark.parametrize("kind", ["bert", "roberta", "deberta"])
def test_an_encoder_without_a_trained_head(ranker, kind, tmp_path):
    folder = RANKERS[ranker](kind, tmp_path / "whole")
    AutoModel.from_pretrained(folder).save_pretrained(tmp_path / "bare")
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "bare")
    head = "classifier" if ranker is RewardModel else "cls.predictions|lm_head"
    with pytest.raises(BadModel, match=f"no trained head: a .* needs .*({head})"):
        prepared(ranker, tmp_path / "bare")


def test_the_head_of_another_purpose(tmp_path):
    with pytest.raises(BadModel, match="no trained head: a BertForMask"):
        prepared(MLMScoring, write_classifier("bert", tmp_path / "c"))
    with pytest.raises(BadModel, match="no trained head: a BertForSequence"):
        prepared(RewardModel, write_mlm("bert", tmp_path / "m"))
    with pytest.raises(BadModel, match="mask token"):
        prepared(MLMScoring, write_classifier("llama", tmp_path / "l"))


@both
def test_weights_that_are_missing_of_another_shape_or_not_finite(ranker, tmp_path):
    name = "bert.encoder.layer.1.output.dense.weight"
    folder = tmp_path / "bert"
    RANKERS[ranker]("bert", folder)
    whole = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in whole.items() if k != name}, folder / "model.safetensors")
    with pytest.raises(BadModel, match=f"1 missing .{name}"):
        prepared(ranker, folder)
    save_file({**whole, name: torch.zeros(3, 3)}, folder / "model.safetensors")
    with pytest.raises(BadModel, match=rf"1 of another shape .{name} \(3, 3\) for \(16, 32\)"):
        prepared(ranker, folder)
    spoilt = whole[name].clone()
    spoilt[0, 0] = torch.inf
    save_file({**whole, name: spoilt}, folder / "model.safetensors")
    with pytest.raises(BadModel, match=f"1 not finite .{name}"):
        prepared(ranker, folder)
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(BadModel, match="cannot load a model"):
        prepared(ranker, folder)


def test_weights_that_a_reward_model_has_no_place_for(tmp_path):
    write_classifier("bert", tmp_path)
    changed(tmp_path, lambda w: w.update({"bert.embeddings.position_ids": torch.arange(3)}))
    assert RewardModel(str(tmp_path), **LENGTHS).prepare().built  # an old buffer, no weight
    changed(tmp_path, lambda w: w.update({"regression_layer.weight": torch.zeros(1, 16)}))
    with pytest.raises(BadModel, match=r"1 unknown .regression_layer\.weight"):
        prepared(RewardModel, tmp_path)


def test_more_outputs_than_one(tmp_path):
    with pytest.raises(BadModel, match="has 3 outputs"):
        prepared(RewardModel, write_classifier("bert", tmp_path, num_labels=3))


def test_no_padding_no_chat_template_or_one_for_other_chats(tmp_path):
    tokenizer = byte_tokenizer()
    tokenizer.eos_token = None
    folder = write_classifier("llama", tmp_path / "endless", tokenizer=tokenizer)
    with pytest.raises(BadModel, match="neither padding nor an end"):
        prepared(RewardModel, folder)
    folder = write_classifier("llama", tmp_path / "plain", tokenizer=byte_tokenizer(None))
    with pytest.raises(BadModel, match="no chat template"):
        prepared(RewardModel, folder, template="chat")
    strict = "{{ raise_exception('system first') }}"
    folder = write_classifier("llama", tmp_path / "strict", tokenizer=byte_tokenizer(strict))
    with pytest.raises(BadModel, match="system first"):
        prepared(RewardModel, folder, template="chat")


def test_no_mask_token(tmp_path):
    tokenizer = word_tokenizer("bert")
    tokenizer.mask_token = None
    with pytest.raises(BadModel, match="no mask token"):
        prepared(MLMScoring, write_mlm("bert", tmp_path, tokenizer=tokenizer))


@both
def test_a_tokenizer_of_another_model(ranker, tmp_path):
    RANKERS[ranker]("bert", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "vocab_size": 20}))
    with pytest.raises(BadModel, match="tokens, but its embedding 20"):
        prepared(ranker, tmp_path)


@both
def test_what_is_no_model(ranker, tmp_path):
    with pytest.raises(BadModel, match="no directory"):
        prepared(ranker, tmp_path / "nothing")
    with pytest.raises(BadModel, match="cannot read the configuration"):
        prepared(ranker, tmp_path)
    RANKERS[ranker]("bert", tmp_path)
    (tmp_path / "tokenizer.json").write_text("{broken")
    with pytest.raises(BadModel, match="cannot read a tokenizer"):
        prepared(ranker, tmp_path)


@both
def test_sequences_longer_than_the_positions(ranker, tmp_path):
    folder = RANKERS[ranker]("bert", tmp_path)
    with pytest.raises(BadValue, match="at most 96"):
        ranker(folder, source_maxlength=80, candidate_maxlength=20).prepare()


def test_a_chat_longer_than_the_positions(tmp_path):
    folder = write_classifier("llama", tmp_path, max_position_embeddings=64)
    RewardModel(folder, source_maxlength=20, candidate_maxlength=20, template="chat").prepare()
    with pytest.raises(BadValue, match="at most 64"):
        RewardModel(folder, source_maxlength=30, candidate_maxlength=20, template="chat").prepare()


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"template": "chats"}, UnknownName, "Did you mean 'chat'"),
        ({"loss": "bce"}, UnknownName, "logistic, mse, soft"),
        ({"dtype": "float16"}, UnknownName, "bfloat16, float32"),
        ({"temperature": 0.0}, BadValue, "temperature"),
        ({"candidate_maxlength": 0}, BadValue, "candidate_maxlength"),
        ({"measures": []}, BadValue, "measures"),
        ({"encoder": TinyEncoder(), "template": "chat"}, BadValue, "no chat template"),
    ],
)
def test_options_that_cannot_be_used(options, error, named):
    with pytest.raises(error, match=named):
        RewardModel(**{"encoder": "somewhere", **options})


def test_one_from_scratch_has_to_be_trained():
    with pytest.raises(BadModel, match="has to be trained"):
        RewardModel(TinyEncoder()).prepare()
    with pytest.raises(BadModel, match="no weights"):
        RewardModel("somewhere").score(["a"], ["b"])
