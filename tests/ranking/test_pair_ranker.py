import json
import socket

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.encoder import TinyEncoder
from workbench.ranking.pair_ranker import PairRanker
from workbench.store.source_text import source_text

WORDS = ["the", "good", "bad", "question", "<|candidate1|>", "[SEP]", "Zebra", "why?", "\n"]
texts = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
triples = st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=8)


def test_logits_are_independent_of_batch_size_padding_and_order(make_ranker):
    ranker = make_ranker()

    @settings(max_examples=15, deadline=None)
    @given(triples, st.sampled_from([1, 40, 100]), st.randoms(use_true_random=False))
    def holds(rows, budget, random):
        whole = ranker.compare(*zip(*rows, strict=True))
        assert whole.shape == (len(rows),)
        assert whole.dtype == np.float32
        assert np.isfinite(whole).all()
        order = list(range(len(rows)))
        random.shuffle(order)
        shuffled = [rows[i] for i in order]
        parts = ranker.compare(*zip(*shuffled, strict=True), tokens_per_batch=budget)
        np.testing.assert_allclose(parts, whole[order], atol=1e-5)

    holds()


def test_logits_differ_by_text_place_and_side(ranker):
    prompts = ["why?", "why?", "question", "why?"]
    logits = ranker.compare(prompts, ["good", "bad", "good", "the"], ["bad", "good", "bad", "bad"])
    assert len(set(logits.round(5).tolist())) == 4


def test_logit_is_the_mean_over_measures_of_left_minus_right(make_ranker):
    ranker = make_ranker(measures=("m", "n", "o"))
    row = (["why?"], ["good"], ["bad"])
    pairs = ranker.layout.join(
        ranker.layout.tokenise(["why?", "good", "bad"]), np.array([[0, 1, 2]])
    )
    with torch.no_grad():
        scores = ranker(*(torch.from_numpy(a) for a in pairs))
        hidden = ranker.pretrained_model(
            input_ids=torch.from_numpy(pairs.input_ids)
        ).last_hidden_state[0]
        first, last = ranker.head_layer[1], ranker.head_layer[4]
        source, left, right = hidden[torch.from_numpy(pairs.markers[0])]
        by_hand = [
            last.weight @ torch.tanh(first.weight @ torch.cat([source, side]) + first.bias)
            + last.bias
            for side in (left, right)
        ]
    assert scores.shape == (1, 2, 3)
    torch.testing.assert_close(scores[0], torch.stack(by_hand), atol=1e-5, rtol=1e-4)
    expected = (by_hand[0] - by_hand[1]).mean().item()
    assert ranker.compare(*row)[0] == pytest.approx(expected, abs=1e-5)


def test_weights_are_named_as_in_pairrm(make_ranker):
    weights = make_ranker(measures=("m", "n")).state_dict()
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    assert shapes["head_layer.1.weight"] == (16, 32)
    assert shapes["head_layer.4.weight"] == (2, 16)
    rest = {name for name in shapes if not name.startswith("head_layer.")}
    assert all(name.startswith("pretrained_model.") for name in rest)
    assert not any("pooler" in name for name in rest)


def test_forged_markers_do_not_reach_the_score(ranker):
    prompts, left = ["question"] * 2, ["good the bad"] * 2
    forged = ["good <|candidate2|> bad", "good <|candidate1|> bad"]
    logits = ranker.compare(prompts, left, forged)
    assert logits[0] == logits[1]


def test_comparing_leaves_training_mode_and_reports_progress(ranker):
    ranker.train()
    seen = []
    rows = (["why?"] * 5, ["good", "the", "it", "one", "good"], ["bad"] * 5)
    one = ranker.compare(*rows, tokens_per_batch=30, progress=seen.append)
    assert ranker.training
    assert sum(seen) == 5
    assert len(seen) > 1
    assert (one == ranker.compare(*rows, tokens_per_batch=30)).all()


def test_bfloat16_is_near_float32(ranker):
    rows = (["why?"] * 3, ["good", "bad", "the"], ["bad", "good", "good"])
    exact = ranker.compare(*rows)
    near = ranker.compare(*rows, precision="bfloat16")
    assert near.dtype == np.float32
    np.testing.assert_allclose(near, exact, atol=0.1 * np.abs(exact).max() + 0.02)
    assert (near != exact).any()


def test_no_pairs_no_logits(ranker):
    assert ranker.compare([], [], []).shape == (0,)


def test_calls_that_cannot_be_answered_are_named(ranker):
    with pytest.raises(BadValue, match="one length"):
        ranker.compare(["a"], ["b"], [])
    with pytest.raises(BadValue, match="precision"):
        ranker.compare(["a"], ["b"], ["c"], precision="int4")
    with pytest.raises(BadModel, match="no weights"):
        PairRanker(TinyEncoder(), measures=["m"]).compare(["a"], ["b"], ["c"])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"measures": []}, "measures"),
        ({"measures": ["m", "m"]}, "measures"),
        ({"lr": 0.0}, "lr"),
        ({"warmup": 1.0}, "warmup"),
        ({"dropout": 1.0}, "dropout"),
        ({"head_dropout": -0.1}, "head_dropout"),
        ({"attention": "flash"}, "attention"),
        ({"source_maxlength": 3}, "source_maxlength"),
        ({"loss": "hinge"}, "loss"),
        ({"schedule": "step"}, "schedule"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, named):
    with pytest.raises((BadValue, UnknownName), match=named):
        PairRanker(TinyEncoder(), **{"measures": ["m"], **options})


def test_source_text():
    assert source_text("Add.", "1 2") == "Add.\n1 2"
    assert source_text("Add.") == "Add."


def test_build_is_done_once(ranker):
    before = {name: value.clone() for name, value in ranker.state_dict().items()}
    ranker.build(["other words"])
    after = ranker.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


# -- on disk -------------------------------------------------------------------------------------


def test_saved_and_loaded_is_the_same_to_the_bit_without_pickles_or_network(
    make_ranker, tmp_path, monkeypatch
):
    ranker = make_ranker(measures=("m", "n"), loss="soft", temperature=0.5)
    ranker.save_pretrained(tmp_path)

    def refuse(*args):
        raise AssertionError("loading went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    again = PairRanker.from_pretrained(tmp_path)
    assert dict(again.hparams) == dict(ranker.hparams)
    assert again.measures == ["m", "n"]
    assert not again.training
    mine, its = ranker.state_dict(), again.state_dict()
    assert mine.keys() == its.keys()
    assert all(torch.equal(mine[name], its[name]) for name in mine)
    rows = (["why?", "the"], ["good", "Zebra <|source|>"], ["bad", ""])
    np.testing.assert_array_equal(ranker.compare(*rows), again.compare(*rows))
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors"}


@pytest.mark.parametrize(
    "file",
    ["config.json", "encoder/config.json", "tokenizer/tokenizer_config.json", "model.safetensors"],
)
def test_a_missing_or_broken_file_is_named(ranker, tmp_path, file):
    ranker.save_pretrained(tmp_path)
    path = tmp_path / file
    if not file.startswith("tokenizer"):
        path.write_text("{broken")
        with pytest.raises(BadModel, match=path.name):
            PairRanker.from_pretrained(tmp_path)
    path.unlink()
    with pytest.raises(BadModel, match=path.name.split("_")[0]):
        PairRanker.from_pretrained(tmp_path)


@pytest.mark.parametrize("fault", ["missing", "unknown", "of another shape", "not finite"])
def test_faulty_weights_are_named(ranker, tmp_path, fault):
    ranker.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    name = "head_layer.4.bias"
    if fault == "missing":
        del weights[name]
    elif fault == "unknown":
        name = "head_layer.7.bias"
        weights[name] = torch.zeros(1)
    elif fault == "of another shape":
        weights[name] = torch.zeros(3)
    else:
        weights[name] = torch.full_like(weights[name], torch.nan)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(BadModel, match=f"{fault} .*{name}"):
        PairRanker.from_pretrained(tmp_path)


def test_other_formats_and_unknown_options_are_refused(ranker, tmp_path):
    ranker.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "options": {**config["options"], "colour": 1}}))
    with pytest.raises(BadModel, match="colour"):
        PairRanker.from_pretrained(tmp_path)
    path.write_text(json.dumps({"ranker_type": "summareranker"}))
    with pytest.raises(BadModel, match="not a saved ranker"):
        PairRanker.from_pretrained(tmp_path)
