"""Checkpoints that only look like PairRM's are refused before any work, and told why."""

import json

import pytest
import torch
from naive_pairrm import edit_json, write_checkpoint
from safetensors.torch import load_file, save_file
from transformers import BertConfig

from workbench.errors import BadModel, BadValue
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.pairrm import is_pairrm, load_pairrm


@pytest.fixture
def copy(tmp_path):
    """A checkpoint of one's own, to be damaged."""

    def make(**options):
        return write_checkpoint(tmp_path / "copy", **options)

    return make


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ({"ranker_type": "pairranker"}, True),
        ({"architectures": ["DebertaV2PairRM"]}, True),
        ({"source_prefix_id": 1}, True),
        ({"ranker_type": "summareranker"}, False),
        ({"format": "llm-ensemble-workbench/pair-ranker"}, False),
        ([], False),
        ("{broken", False),
        (None, False),
    ],
)
def test_which_directories_are_pairrm(tmp_path, content, answer):
    if content is not None:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "config.json").write_text(text)
    assert is_pairrm(tmp_path) is answer


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_tasks": 3}, "n_tasks = 3, but the head .* has 2 outputs"),
        ({"n_tasks": 0}, "n_tasks = 0: expected at least 1"),
        ({"n_tasks": None}, "lacks the key 'n_tasks'"),
        ({"n_tasks": True}, "n_tasks = True: expected a value of type int"),
        ({"drop_out": 1.0}, "drop_out = 1.0"),
        ({"drop_out": "no"}, "drop_out = 'no'"),
        ({"source_maxlength": 3}, "source_maxlength = 3: expected at least 4"),
        ({"candidate_maxlength": None}, "lacks the key 'candidate_maxlength'"),
        ({"model_name": None}, "lacks the key 'model_name'"),
    ],
)
def test_configs_of_pairrm_that_cannot_be_used(copy, values, message):
    directory = copy()
    edit_json(directory / "config.json", **values)
    with pytest.raises(BadModel, match=message):
        load_pairrm(PairRanker, directory)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source_prefix_id": 7}, r"source_prefix_id = 7, but the tokenizer's <\|source\|> has id"),
        ({"cand2_prefix_id": None}, "lacks the key 'cand2_prefix_id'"),
        ({"cand_prefix_id": 1}, "cand_prefix_id = 1"),
        ({"vocab_size": 9}, "vocab_size = 9, but the tokenizer has"),
        ({"model_type": "nothing"}, "does not describe an encoder"),
        ({"hidden_size": "wide"}, "does not describe an encoder"),
        ({"hidden_size": 36}, r"of another shape \(head_layer.1"),
        ({"num_attention_heads": 5}, "cannot build a 'deberta-v2' encoder"),
        ({"num_hidden_layers": 1}, "unknown"),
    ],
)
def test_configs_of_pairrm_hf_that_cannot_be_used(copy, values, message):
    directory = copy(hf=True)
    edit_json(directory / "config.json", **values)
    with pytest.raises(BadModel, match=message):
        load_pairrm(PairRanker, directory)


def damage(weights, fault):
    name = "head_layer.1.bias"
    if fault == "missing":
        del weights[name]
    elif fault == "unknown":
        name = "sigmoid.weight"
        weights[name] = torch.ones(1)
    elif fault == "of another shape":
        weights[name] = torch.ones(5)
    else:
        weights[name][0] = torch.inf if fault == "not finite" else 0
    return name


@pytest.mark.parametrize("hf", [False, True])
@pytest.mark.parametrize("fault", ["missing", "unknown", "of another shape", "not finite"])
def test_faulty_weights_are_named(copy, fault, hf):
    directory = copy(hf=hf)
    weights = load_file(directory / "model.safetensors")
    name = damage(weights, fault)
    save_file(weights, directory / "model.safetensors")
    with pytest.raises(BadModel, match=f"1 {fault} .*{name}"):
        load_pairrm(PairRanker, directory)


def test_weights_that_are_cut_off_or_pickled_are_refused(copy):
    directory = copy()
    file = directory / "model.safetensors"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(BadModel, match=r"model\.safetensors is damaged"):
        load_pairrm(PairRanker, directory)
    file.unlink()
    with pytest.raises(BadModel, match=r"no model\.safetensors\. Pickles .* neither"):
        load_pairrm(PairRanker, directory)
    (directory / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(BadModel, match=r"but pytorch_model\.bin.*torch\.load\('pytorch_model"):
        load_pairrm(PairRanker, directory)


def test_a_tokenizer_without_the_markers_is_refused(copy):
    directory = copy()
    file = directory / "tokenizer.json"
    file.write_text(file.read_text().replace("<|candidate2|>", "<|other|>"))
    with pytest.raises(BadModel, match=r"does not hold the markers <\|candidate2\|>;"):
        load_pairrm(PairRanker, directory)
    file.write_text("{broken")
    with pytest.raises(BadModel, match="cannot read a tokenizer"):
        load_pairrm(PairRanker, directory)


def test_a_damaged_config_or_none_is_refused(copy, tmp_path):
    directory = copy()
    (directory / "config.json").write_text("{broken")
    with pytest.raises(BadModel, match=r"config\.json is not JSON"):
        load_pairrm(PairRanker, directory)
    with pytest.raises(BadModel, match="no directory"):
        load_pairrm(PairRanker, tmp_path / "nowhere")


def test_sequences_longer_than_the_encoder_reads_are_refused(copy):
    directory = copy()
    bert = BertConfig(hidden_size=24, num_attention_heads=2, max_position_embeddings=30)
    (directory / "backbone_config.json").write_text(json.dumps(bert.to_dict()))
    with pytest.raises(BadValue, match="at most 30"):
        load_pairrm(PairRanker, directory)
