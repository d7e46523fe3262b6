"""What is written as PairRM-hf is what was built, and other readers of the format can read it."""

import json

import numpy as np
import pytest
import torch
from naive_pairrm import CASES, KEYS, NaivePairRM, write_checkpoint
from safetensors import safe_open
from transformers import AutoTokenizer, DebertaV2Config, DebertaV2Model

from workbench.errors import BadModel, BadValue
from workbench.models.encoder import TinyEncoder
from workbench.models.vocabulary import tiny_tokenizer
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.pairrm import is_pairrm, load_pairrm
from workbench.ranking.pairrm_export import export_pairrm

TEXTS = ["good bad question why? how", "the a it is one answer very much like that"]
ROWS = (["why?", "how", ""], ["a good … answer", "", "the ｆｏｘ"], ["bad", "one\nis", "it " * 30])


@pytest.fixture
def make_ranker(tmp_path):
    """A PairRanker of ours over a DeBERTa directory without markers, random weights."""

    def make(**options):
        torch.manual_seed(0)
        base = tmp_path / "base"
        tokenizer = tiny_tokenizer(TEXTS, 120)
        config = DebertaV2Config(
            vocab_size=len(tokenizer),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            relative_attention=True,
            position_buckets=8,
            pos_att_type=["p2c", "c2p"],
            position_biased_input=False,
        )
        DebertaV2Model(config).save_pretrained(base)
        tokenizer.save_pretrained(base)
        options = {
            "measures": ["m", "n"],
            "source_maxlength": 12,
            "candidate_maxlength": 9,
            **options,
        }
        ranker = PairRanker(str(base), head_dropout=0.2, **options).build()
        with torch.no_grad():
            for parameter in ranker.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.3)
        return ranker.eval()

    return make


def test_it_comes_back_with_the_same_logits_and_options(make_ranker, tmp_path):
    ranker = make_ranker()
    export_pairrm(ranker, tmp_path / "deep" / "out")
    assert is_pairrm(tmp_path / "deep" / "out")
    again = load_pairrm(PairRanker, tmp_path / "deep" / "out")
    np.testing.assert_array_equal(ranker.compare(*ROWS), again.compare(*ROWS))
    for name in ("encoder", "measures", "source_maxlength", "candidate_maxlength", "head_dropout"):
        assert again.hparams[name] == ranker.hparams[name]


def test_a_checkpoint_read_and_written_keeps_its_logits(tmp_path):
    loaded = load_pairrm(PairRanker, write_checkpoint(tmp_path / "in"))
    export_pairrm(loaded, tmp_path / "out")
    naive = NaivePairRM(tmp_path / "out", backbone="config.json")
    for case in CASES[:2]:
        source, left, right = case["source"], case["candidates"][-1], case["candidates"][0]
        found = loaded.compare([source], [left], [right])[0]
        assert found == pytest.approx(naive.logit(source, left, right), abs=1e-5)


def test_the_files_are_those_that_the_format_has(make_ranker, tmp_path):
    ranker = make_ranker()
    export_pairrm(ranker, tmp_path / "out")
    suffixes = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert suffixes == {".json", ".safetensors"}
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    ids = ranker.layout.marker_ids.tolist()
    assert [config[key] for key in KEYS] == ids
    assert (config["n_tasks"], config["drop_out"]) == (2, 0.2)
    assert config["sep_token_id"] == ranker.layout.sep
    assert config["model_type"] == "deberta-v2"
    assert config["architectures"] == ["DebertaV2PairRM"]
    assert config["vocab_size"] == max(ids) + 1
    with safe_open(tmp_path / "out" / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
        assert {name.split(".")[0] for name in file.keys()} == {"pretrained_model", "head_layer"}  # noqa: SIM118


def test_other_readers_get_the_tokenizer_that_we_have(tmp_path):
    loaded = load_pairrm(PairRanker, write_checkpoint(tmp_path / "in"))
    export_pairrm(loaded, tmp_path / "out")
    other = AutoTokenizer.from_pretrained(tmp_path / "out", local_files_only=True)
    for text in ("<|source|>Ｆｏｘ ﬁ…", "<|candidate1|> a  b\n", "[CLS] x", ""):
        assert other.encode(text) == loaded.layout.tokenizer.encode(text)


@pytest.mark.parametrize(
    ("option", "value"),
    [("segment_embeddings", True), ("pooling", "mean"), ("elide", True)],
)
def test_options_that_the_format_cannot_express_are_named(make_ranker, tmp_path, option, value):
    ranker = make_ranker(**{option: value}, source_maxlength=9)
    with pytest.raises(BadValue, match=f"{option} = .*expected .* to be exported"):
        export_pairrm(ranker, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_encoders_unbuilt_rankers_and_faulty_weights_are_refused(make_ranker, tmp_path):
    tiny = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=16)
    ranker = PairRanker(tiny, measures=["m"])
    with pytest.raises(BadModel, match="no weights"):
        export_pairrm(ranker, tmp_path / "out")
    with pytest.raises(BadValue, match=r"encoder = 'bert'.*'deberta-v2'"):
        export_pairrm(ranker.build(TEXTS), tmp_path / "out")
    ranker = make_ranker()
    with torch.no_grad():
        ranker.head_layer[4].bias[0] = torch.nan
    with pytest.raises(BadModel, match=r"not finite \(head_layer\.4\.bias"):
        export_pairrm(ranker, tmp_path / "out")
    assert not (tmp_path / "out").exists()
