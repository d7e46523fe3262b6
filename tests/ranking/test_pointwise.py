"""What holds for all rankers that score candidates one by one."""

import socket

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_pointwise import KINDS, TINY, pointwise, shaken

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.models.encoder import TinyEncoder
from workbench.ranking.simcls import SimCLS
from workbench.ranking.summa_reranker import SummaReranker
from workbench.ranking.trained_ranker import TrainedRanker

WORDS = ["the", "good", "bad", "question", "[SEP]", "[PAD]", "Zebra", "why?", "\n"]
texts = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
triples = st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=8)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_scores_are_independent_of_batch_size_padding_and_order(kind, pooling):
    ranker = shaken(kind, pooling=pooling)

    @settings(max_examples=15, deadline=None)
    @given(triples, st.sampled_from([1, 40, 100]), st.randoms(use_true_random=False))
    def holds(rows, budget, random):
        prompts, candidates, _ = zip(*rows, strict=True)
        whole = ranker.score(prompts, candidates)
        assert whole.shape == (len(rows),)
        assert whole.dtype == np.float32
        assert np.isfinite(whole).all()
        order = list(range(len(rows)))
        random.shuffle(order)
        shuffled = [[side[i] for i in order] for side in (prompts, candidates)]
        parts = ranker.score(*shuffled, tokens_per_batch=budget)
        np.testing.assert_allclose(parts, whole[order], atol=1e-5)

    holds()


def test_logits_are_differences_of_scores_and_exactly_antisymmetric(kind):
    ranker = shaken(kind)

    @settings(max_examples=15, deadline=None)
    @given(triples)
    def holds(rows):
        prompts, left, right = zip(*rows, strict=True)
        logits = ranker.compare(prompts * 2, left + right, right + left)
        assert logits.dtype == np.float32
        there, back = np.split(logits, 2)
        assert (there == -back).all()
        scores = ranker.score(prompts * 2, left + right)
        np.testing.assert_allclose(there, np.subtract(*np.split(scores, 2)), atol=1e-5)
        same = [a == b for a, b in zip(left, right, strict=True)]
        assert not there[same].any()

    holds()


def test_what_is_cut_off_makes_no_difference_at_all(kind):
    ranker = shaken(kind)
    begin = "good the " * 8
    answers = [begin + "bad", begin + "why?", "the"] * 3
    logits = ranker.compare(["why?"] * 3, answers[:3], answers[1:4], tokens_per_batch=1)
    assert logits[0] == 0
    assert logits[1] != 0


def test_a_score_is_that_of_the_text(kind):
    ranker = shaken(kind)
    prompts = ["why?", "why?", "question", "why?"]
    scores = ranker.score(prompts, ["good", "bad", "good", "the"])
    assert len(set(scores.round(4).tolist())) == 4


def test_each_sequence_is_read_once_and_progress_tells_of_all(kind):
    ranker = shaken(kind)
    read, told = [], []
    ranker.register_forward_pre_hook(lambda _, tokens: read.append(len(tokens[0])))
    left = ["good", "the", "it", "good", "bad"]
    ranker.train()
    ranker.compare(["why?"] * 5, left, ["bad"] * 5, tokens_per_batch=14, progress=told.append)
    assert ranker.training
    assert sum(told) == 5
    assert len(told) > 1
    assert sum(read) == 4 + (kind is SimCLS)


def test_bfloat16_is_near_float32(kind):
    ranker = shaken(kind)
    rows = (["why?"] * 3, ["good", "bad", "the"], ["bad", "the", "good"])
    exact, near = (ranker.compare(*rows, precision=p) for p in ("float32", "bfloat16"))
    assert near.dtype == np.float32
    np.testing.assert_allclose(near, exact, atol=0.2 * np.abs(exact).max() + 0.05)
    assert (near != exact).any()


def test_calls_that_cannot_be_answered_are_named(kind):
    ranker = shaken(kind)
    assert ranker.compare([], [], []).shape == ranker.score([], []).shape == (0,)
    with pytest.raises(BadValue, match="one length"):
        ranker.score(["a"], [])
    with pytest.raises(BadValue, match="precision"):
        ranker.compare(["a"], ["b"], ["c"], precision="int4")
    with pytest.raises(BadModel, match="no weights"):
        kind(TINY, measures=["m"]).score(["a"], ["b"])
    with pytest.raises(BadModel, match="workbench train"):
        kind(TINY, measures=["m"]).prepare()


@pytest.mark.parametrize(
    ("kind", "options", "named"),
    [
        (SummaReranker, {"negatives": "some"}, "negatives"),
        (SummaReranker, {"positive_weight": -1.0}, "positive_weight"),
        (SummaReranker, {"experts": 0}, "experts"),
        (SummaReranker, {"experts": 3, "active": 4}, "active"),
        (SummaReranker, {"pooling": "last"}, "pooling"),
        (SummaReranker, {"head_dropout": 1.0}, "head_dropout"),
        (SummaReranker, {"candidate_maxlength": 0}, "candidate_maxlength"),
        (SimCLS, {"pooling": "marker"}, "pooling"),
        (SimCLS, {"margin": -0.1}, "margin"),
        (SimCLS, {"head_lr": 1e-3}, "head_lr"),
        (SimCLS, {"lr": 0.0}, "lr"),
    ],
)
def test_options_that_cannot_be_used_are_named(kind, options, named):
    with pytest.raises((BadValue, UnknownName), match=named):
        kind(TINY, **{"measures": ["m"], **options})


def test_sequences_that_do_not_fit_the_encoder_are_refused(kind):
    short = TinyEncoder(max_positions=30)
    fits = {"source_maxlength": 20, "candidate_maxlength": 20}
    if kind is SimCLS:  # reads each text alone
        kind(short, measures=["m"], **fits).build(["the"])
        fits["candidate_maxlength"] = 25
    with pytest.raises(BadValue, match="max_positions"):
        kind(short, measures=["m"], **fits)


def test_saved_and_loaded_is_the_same_to_the_bit_without_network(kind, tmp_path, monkeypatch):
    ranker = shaken(kind, measures=("m", "n"), pooling="mean")
    ranker.save_pretrained(tmp_path)

    def refuse(*args):
        raise AssertionError("loading went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for loader in (kind, TrainedRanker):
        again = loader.from_pretrained(tmp_path)
        assert type(again) is kind
        assert dict(again.hparams) == dict(ranker.hparams)
        rows = (["why?", "the"], ["good", "Zebra [CLS]"], ["bad", ""])
        np.testing.assert_array_equal(ranker.compare(*rows), again.compare(*rows))
    other = SimCLS if kind is SummaReranker else SummaReranker
    with pytest.raises(BadModel, match=f"is no {other.__name__}"):
        other.from_pretrained(tmp_path)


# -- the two of them -----------------------------------------------------------------------------


def test_summa_reranker_by_hand():
    ranker = shaken(SummaReranker, measures=("m", "n"), experts=3, active=2)
    prompt, text = "why? question", "good the"
    tokens = ranker.tokenizer(prompt, text, return_tensors="pt")
    head = ranker.head_layer
    with torch.no_grad():
        state = ranker.pretrained_model(input_ids=tokens["input_ids"]).last_hidden_state[0, 0]
        state = head.bottom(state)
        wanted = []
        for task in range(2):
            gate = head.gates(state)[3 * task : 3 * task + 3]
            [a, b] = gate.argsort(descending=True)[:2].tolist()
            g = torch.exp(gate[a]) / (torch.exp(gate[a]) + torch.exp(gate[b]))
            mixed = g * head.experts[a](state) + (1 - g) * head.experts[b](state)
            wanted.append(head.towers.weight[task] @ mixed + head.towers.bias[task])
    assert ranker.score([prompt], [text])[0] == pytest.approx(float(sum(wanted)) / 2, abs=1e-4)


@pytest.mark.parametrize(
    ("tasks", "given_", "found"),
    [
        (3, (None, None), (6, 3)),
        (1, (None, None), (2, 2)),
        (2, (1, None), (1, 1)),
        (1, (5, 1), (5, 1)),
    ],
)
def test_experts_are_two_a_measure_half_of_them_active(tasks, given_, found):
    measures = [f"m{k}" for k in range(tasks)]
    ranker = pointwise(SummaReranker, measures=measures, experts=given_[0], active=given_[1])
    assert (len(ranker.head_layer.experts), ranker.head_layer.active) == found


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_simcls_by_hand(pooling):
    ranker = shaken(SimCLS, pooling=pooling)
    vectors = []
    for text in ("why? question", "good the"):
        tokens = ranker.tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            states = ranker.pretrained_model(tokens["input_ids"]).last_hidden_state[0]
        vectors.append(states[0] if pooling == "first" else states.mean(dim=0))
    wanted = torch.cosine_similarity(*vectors, dim=0).item()
    assert ranker.score(["why? question"], ["good the"])[0] == pytest.approx(wanted, abs=1e-5)


def test_heads_rate_holds_for_what_starts_from_random_numbers():
    ranker = pointwise(SummaReranker)
    heads = {name for name, _ in ranker.named_parameters() if name.startswith(ranker.head_names)}
    rest = {name for name, _ in ranker.named_parameters()} - heads
    assert heads
    assert all(name.startswith("pretrained_model.") for name in rest)
    names = [name for name, _ in pointwise(SimCLS).named_parameters()]
    assert all(name.startswith("pretrained_model.") for name in names)
