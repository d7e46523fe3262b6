import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    BertConfig,
    DebertaV2Config,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
)

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.encoder import TinyEncoder, position_limit
from workbench.models.markers import MARKERS
from workbench.models.vocabulary import tiny_tokenizer
from workbench.ranking.pair_ranker import PairRanker

TEXTS = ["good bad question why? how", "the a it is one answer very much like that"]
SIZE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "pad_token_id": 0,
}
DEBERTA = {
    "relative_attention": True,
    "position_buckets": 8,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
}
CONFIGS = {
    "bert": BertConfig(**SIZE, max_position_embeddings=48),
    "roberta": RobertaConfig(**SIZE, max_position_embeddings=49),
    "mpnet": MPNetConfig(**SIZE, max_position_embeddings=50),
    "deberta": DebertaV2Config(**SIZE, **DEBERTA, max_position_embeddings=8),
    "modernbert": ModernBertConfig(
        **SIZE, max_position_embeddings=48, bos_token_id=2, eos_token_id=3
    ),
}
LIMITS = {"bert": 48, "roberta": 48, "mpnet": 48, "deberta": None, "modernbert": 48}
PROMPTS = ["why", "how good is that one question", "why", ""]
LEFT = ["good answer", "bad", "very much like that " * 9, "a"]
RIGHT = ["bad", "the answer is much like that one", "", "good"]


@pytest.fixture(params=CONFIGS)
def encoder_directory(request, tmp_path):
    """A pretrained encoder as the hub would give it, without markers; its kind and folder."""
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer(TEXTS, 120)
    config = type(CONFIGS[request.param]).from_dict(CONFIGS[request.param].to_dict())
    config.vocab_size = len(tokenizer) + 3  # spare rows, as DeBERTa and ModernBERT have
    AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return request.param, str(tmp_path)


def ranker_of(directory, **options):
    options = {"source_maxlength": 16, "candidate_maxlength": 16, **options}
    torch.manual_seed(0)
    return PairRanker(directory, measures=["m"], **options).build().eval()


def test_any_encoder_scores_pairs_whatever_the_batch_and_survives_saving(
    encoder_directory, tmp_path
):
    _, directory = encoder_directory
    ranker = ranker_of(directory)
    together = ranker.compare(PROMPTS, LEFT, RIGHT)
    alone = ranker.compare(PROMPTS, LEFT, RIGHT, tokens_per_batch=1)
    assert len(set(together.tolist())) == 4
    np.testing.assert_allclose(together, alone, atol=1e-5)
    ranker.save_pretrained(tmp_path / "saved")
    again = PairRanker.from_pretrained(tmp_path / "saved").compare(PROMPTS, LEFT, RIGHT)
    np.testing.assert_array_equal(together, again)


def test_sequences_longer_than_the_positions_are_refused_before_work(encoder_directory):
    kind, directory = encoder_directory
    if LIMITS[kind] is None:
        assert ranker_of(directory, source_maxlength=64).layout.max_length > 64
        return
    with pytest.raises(BadValue, match="at most 48"):
        ranker_of(directory, source_maxlength=17)


@pytest.mark.parametrize("kind", CONFIGS)
def test_position_limit(kind):
    assert position_limit(CONFIGS[kind]) == LIMITS[kind]


def test_embedding_has_one_row_a_token_and_markers_come_last(encoder_directory):
    ranker = ranker_of(encoder_directory[1])
    rows = ranker.pretrained_model.get_input_embeddings().weight.shape[0]
    assert rows == len(ranker.layout.tokenizer)
    assert ranker.layout.marker_ids.tolist() == list(range(rows - len(MARKERS), rows))


def test_dropout_and_attention_options_reach_the_encoder(encoder_directory):
    kind, directory = encoder_directory
    ranker = ranker_of(directory, dropout=0.0, attention="eager", head_dropout=0.0).train()
    assert ranker.pretrained_model.config._attn_implementation == "eager"
    assert all(module.p == 0 for module in ranker.modules() if isinstance(module, torch.nn.Dropout))
    if kind == "bert":
        by_sdpa = ranker_of(directory, attention="sdpa")
        by_eager = ranker_of(directory, attention="eager")
        np.testing.assert_allclose(
            by_sdpa.compare(PROMPTS, LEFT, RIGHT),
            by_eager.compare(PROMPTS, LEFT, RIGHT),
            atol=1e-5,
        )


def test_what_is_no_encoder_is_named(tmp_path):
    with pytest.raises(BadModel, match="no directory"):
        ranker_of(str(tmp_path / "nothing"))
    with pytest.raises(BadModel, match="cannot read the configuration"):
        ranker_of(str(tmp_path))


def test_an_encoder_with_faulty_weights_is_not_filled_up_by_chance(encoder_directory):
    _, directory = encoder_directory
    file = Path(directory) / "model.safetensors"
    whole = load_file(file)
    name = next(key for key in sorted(whole) if "embed" in key and whole[key].ndim == 2)
    save_file({k: v for k, v in whole.items() if k != name}, file, {"format": "pt"})
    with pytest.raises(BadModel, match=f"1 missing .{re.escape(name)}"):
        ranker_of(directory)
    broken = whole[name].clone()
    broken[0, 0] = torch.inf
    save_file({**whole, name: broken}, file, {"format": "pt"})
    with pytest.raises(BadModel, match=f"1 not finite .{re.escape(name)}"):
        ranker_of(directory)


def test_equal_texts_give_equal_vocabularies():
    texts = [f"w{i} v{i % 7} u{i % 3}" for i in range(200)]
    one, again = (tiny_tokenizer(texts, 90).get_vocab() for _ in range(2))
    assert one == again
    assert len(one) == 90 + len(MARKERS)


def test_unknown_words_are_spelt_with_known_characters():
    tokenizer = tiny_tokenizer(["foo bar bar"], 60)
    assert tokenizer.tokenize("Bar oba") == ["bar", "o", "##b", "##a"]


def test_tiny_options_that_cannot_be_used_are_named():
    with pytest.raises(BadValue, match="hidden_size"):
        TinyEncoder(hidden_size=10, heads=4)
    with pytest.raises(BadValue, match="layers"):
        TinyEncoder(layers=0)
    with pytest.raises(UnknownName, match="Did you mean 'layers'"):
        TinyEncoder.from_dict({"layer": 2})
    with pytest.raises(BadValue, match="max_positions"):
        PairRanker(TinyEncoder(max_positions=100), measures=["m"], source_maxlength=101)
    with pytest.raises(BadValue, match="texts"):
        PairRanker(TinyEncoder(), measures=["m"]).build()
    with pytest.raises(BadValue, match="texts with words"):
        PairRanker(TinyEncoder(), measures=["m"]).build(["", " "])
