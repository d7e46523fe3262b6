"""PairRM checkpoints give the logits that a naive reading of the format gives."""

import json

import naive_pairrm
import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_pairrm import CASES, GOLDEN, NaivePairRM, edit_json, write_checkpoint
from safetensors.torch import load_file, save_file

from workbench.aggregation.counting import max_logits
from workbench.aggregation.ranks import ranks
from workbench.errors import BadModel, BadValue
from workbench.ranking.data import PairData
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.pairrm import is_pairrm, load_pairrm

CASES_WITH_LOGITS = json.loads(GOLDEN.read_text("utf-8"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("pairrm"))


@pytest.fixture(scope="module")
def hf_checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("pairrm_hf"), hf=True)


@pytest.fixture(scope="module")
def loaded(checkpoint):
    return load_pairrm(PairRanker, checkpoint)


def matrix(ranker, source, candidates, **options):
    """[1, N, N] logits of all ordered pairs, NaN on the diagonal."""
    n = len(candidates)
    left, right = np.nonzero(~np.eye(n, dtype=bool))
    sides = ([candidates[i] for i in side] for side in (left, right))
    logits = np.full((1, n, n), np.nan, np.float32)
    logits[0, left, right] = ranker.compare([source] * len(left), *sides, **options)
    return logits


def test_the_stored_logits_are_those_of_the_naive_reading(checkpoint):
    for found, stored in zip(naive_pairrm.golden(checkpoint), CASES_WITH_LOGITS, strict=True):
        assert found["candidates"] == stored["candidates"]
        np.testing.assert_allclose(found["logits"], stored["logits"], atol=1e-5)


@pytest.mark.parametrize("tokens_per_batch", [1, 60, 16384])
@pytest.mark.parametrize("hf", [False, True])
def test_logits_scores_and_ranks(checkpoint, hf_checkpoint, hf, tokens_per_batch):
    ranker = load_pairrm(PairRanker, hf_checkpoint if hf else checkpoint)
    assert len(CASES_WITH_LOGITS) == len(CASES)
    for case in CASES_WITH_LOGITS:
        n = len(case["candidates"])
        options = {"tokens_per_batch": tokens_per_batch}
        found = matrix(ranker, case["source"], case["candidates"], **options)
        mask = np.ones((1, n), bool)
        scores = max_logits(found, mask)
        np.testing.assert_allclose(np.nan_to_num(found[0]), case["logits"], atol=1e-5)
        np.testing.assert_allclose(scores[0] / n, case["max_logits_scores"], atol=1e-5)
        assert ranks(scores, mask)[0].tolist() == case["ranks"]


WORDS = [*naive_pairrm.WORDS.split()[:6], "zebra", "[SEP]", "[CLS]", "<|source|>", "ﬁ", "\n", " "]
texts = st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join)


def test_any_texts_score_as_in_the_naive_reading(checkpoint, loaded):
    naive = NaivePairRM(checkpoint)

    @settings(max_examples=20, deadline=None)
    @given(texts, texts, texts)
    def holds(source, left, right):
        found = loaded.compare([source], [left], [right])[0]
        assert found == pytest.approx(naive.logit(source, left, right), abs=1e-5)

    holds()


def test_a_marker_in_a_text_is_an_unknown_token_and_shifts_nothing(loaded):
    texts = [f"the {marker}fox" for marker in naive_pairrm.ADDED]
    ids = [loaded.layout.tokenise([text]).ids.tolist() for text in texts]
    assert ids == [ids[0]] * 4
    assert ids[0].count(loaded.layout.tokenizer.unk_token_id) == 1
    assert ids[0][-1] == loaded.layout.tokenise(["fox"]).ids[-1]
    logits = loaded.compare(["why"] * 4, texts, ["good"] * 4)
    assert np.isfinite(logits).all()
    assert (logits == logits[0]).all()


def test_options_come_from_the_checkpoint(loaded, hf_checkpoint, tmp_path):
    assert not loaded.training
    assert not loaded.pretrained_model.training
    wanted = {
        "encoder": "some/base",
        "measures": ["pairrm:0", "pairrm:1"],
        "source_maxlength": 16,
        "candidate_maxlength": 10,
        "head_dropout": 0.05,
        "pooling": "marker",
        "segment_embeddings": False,
        "elide": False,
    }
    assert {key: loaded.hparams[key] for key in wanted} == wanted
    by_hf = load_pairrm(PairRanker, hf_checkpoint)
    assert by_hf.encoder == str(hf_checkpoint)
    directory = write_checkpoint(tmp_path, hf=True, n_tasks=1)
    edit_json(
        directory / "config.json",
        source_maxlength=None,
        candidate_maxlength=None,
        cand_prefix_id=None,
    )
    one = load_pairrm(PairRanker, directory)
    assert one.measures == ["pairrm"]
    assert one.layout.max_length == 1224 + 2 * 412


def test_measures_and_options_can_be_given(checkpoint):
    ranker = load_pairrm(PairRanker, checkpoint, measures=["a", "b"], lr=3e-4, dropout=0.0)
    assert ranker.measures == ["a", "b"]
    assert ranker.hparams["lr"] == 3e-4
    assert ranker.pretrained_model.config.hidden_dropout_prob == 0.0
    with pytest.raises(BadValue, match=r"measures = \['a'\].*2 names"):
        load_pairrm(PairRanker, checkpoint, measures=["a"])


def test_it_survives_our_own_format(loaded, tmp_path):
    loaded.save_pretrained(tmp_path)
    again = PairRanker.from_pretrained(tmp_path)
    case = CASES[1]
    np.testing.assert_array_equal(matrix(loaded, **case), matrix(again, **case))
    assert not is_pairrm(tmp_path)


def test_it_can_be_trained_on(checkpoint, store, tmp_path):
    ranker = load_pairrm(PairRanker, checkpoint, measures=["good", "some"], lr=1e-3).train()
    before = {name: value.clone() for name, value in ranker.state_dict().items()}
    data = PairData(["good", "some"], tokens_per_batch=512, max_train_prompts=8).connect(store)
    trainer = pl.Trainer(
        max_epochs=1,
        limit_val_batches=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(ranker, data)
    still = {n for n, value in ranker.state_dict().items() if torch.equal(value, before[n])}
    # Both sides share the last bias, so that but for rounding its gradient cancels out.
    assert still <= {"head_layer.4.bias"}


def test_buffers_of_old_versions_are_left_out_and_nothing_else(loaded, tmp_path):
    directory = write_checkpoint(tmp_path)
    weights = load_file(directory / "model.safetensors")
    weights["pretrained_model.embeddings.position_ids"] = torch.arange(64)[None]
    save_file(weights, directory / "model.safetensors")
    again = load_pairrm(PairRanker, directory)
    np.testing.assert_array_equal(matrix(loaded, **CASES[0]), matrix(again, **CASES[0]))
    weights["pretrained_model.pooler.dense.bias"] = torch.ones(24)  # DeBERTa-v2 has none
    save_file(weights, directory / "model.safetensors")
    with pytest.raises(BadModel, match=r"pretrained_model\.pooler\.dense\.bias"):
        load_pairrm(PairRanker, directory)


def test_encoders_of_other_kinds_load_without_their_pooler(make_ranker, tmp_path):
    ranker = make_ranker(source_maxlength=12, candidate_maxlength=9)  # over a BERT
    weights = ranker.state_dict()
    weights["pretrained_model.pooler.dense.weight"] = torch.ones(16, 16)
    save_file(weights, tmp_path / "model.safetensors")
    ranker.tokenizer.save_pretrained(tmp_path)
    bert = ranker.pretrained_model.config.to_dict()
    (tmp_path / "backbone_config.json").write_text(json.dumps(bert))
    config = {"ranker_type": "pairranker", "model_name": "bert", "n_tasks": 1, "drop_out": 0}
    lengths = {"source_maxlength": 12, "candidate_maxlength": 9}
    (tmp_path / "config.json").write_text(json.dumps(config | lengths))
    again = load_pairrm(PairRanker, tmp_path)
    rows = (["why?", "how"], ["good", "the one"], ["bad", "like that"])
    np.testing.assert_array_equal(again.compare(*rows), ranker.compare(*rows))
