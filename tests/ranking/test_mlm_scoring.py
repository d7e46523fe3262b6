"""MLMScoring against a loop that masks a token, reads the sequence, and goes on."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import WORDS, write_mlm
from transformers import AutoModelForMaskedLM, AutoTokenizer

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.ranking import masking, mlm_scoring
from workbench.ranking.mlm_scoring import MLMScoring

KINDS = ("bert", "roberta", "deberta")
PROMPTS = ["why ?", "how good is that one question", "", "why ?", "the user asks; yes"]
ANSWERS = ["good answer", "bad", "very much like that it is", "a", "one Zebra … the"]


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    return {kind: write_mlm(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


def scoring(directory, **options):
    options = {"source_maxlength": 40, "candidate_maxlength": 40, **options}
    return MLMScoring(directory, **options).prepare()


@cache
def parts(directory):
    model = AutoModelForMaskedLM.from_pretrained(directory).eval()
    return AutoTokenizer.from_pretrained(directory), model


def naive(directory, prompt, answer, passes=None):
    """Log-probabilities of the answer's tokens."""
    tokenizer, model = parts(directory)
    encoded = tokenizer([prompt], [answer], return_tensors="pt")
    if getattr(model.config, "type_vocab_size", 0) < 2:
        encoded.pop("token_type_ids", None)
    places = [k for k, side in enumerate(encoded.sequence_ids(0)) if side == 1]
    found = []
    step = min(len(places), passes or len(places))
    for first in range(step):
        masked = places[first::step]
        ids = encoded["input_ids"].clone()
        ids[0, masked] = tokenizer.mask_token_id
        with torch.no_grad():
            logits = model(**{**encoded, "input_ids": ids}).logits[0].double()
        for k in masked:
            found.append(logits[k].log_softmax(-1)[encoded["input_ids"][0, k]].item())
    return found


@pytest.mark.parametrize("passes", [None, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_one_mask_at_a_time(directories, kind, passes):
    directory = directories[kind]
    found = [naive(directory, *row, passes) for row in zip(PROMPTS, ANSWERS, strict=True)]
    for reduce, by_hand in (("sum", np.sum), ("mean", np.mean)):
        ranker = scoring(directory, reduce=reduce, passes=passes)
        expected = [by_hand(tokens) for tokens in found]
        scores = ranker.score(PROMPTS, ANSWERS)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)
    logits = ranker.compare(PROMPTS, ANSWERS, ANSWERS[::-1])
    other = [
        np.mean(naive(directory, *r, passes)) for r in zip(PROMPTS, ANSWERS[::-1], strict=True)
    ]
    np.testing.assert_allclose(logits, np.array(expected) - other, atol=2e-5)


texts = st.lists(st.sampled_from([*WORDS, "[SEP]", "[MASK]", "中文"]), max_size=9).map(" ".join)
rows = st.lists(st.tuples(texts, texts), min_size=1, max_size=6)


def test_scores_do_not_depend_on_batch_padding_and_order(directories):
    rankers = [scoring(directories["bert"], passes=passes) for passes in (None, 3)]

    @settings(max_examples=8, deadline=None)
    @given(rows, st.sampled_from([1, 60, 5000]), st.randoms(use_true_random=False))
    def holds(pairs, budget, random):
        order = list(range(len(pairs)))
        random.shuffle(order)
        shuffled = [pairs[i] for i in order]
        for ranker in rankers:
            whole = ranker.score(*zip(*pairs, strict=True))
            parts = ranker.score(*zip(*shuffled, strict=True), tokens_per_batch=budget)
            assert np.isfinite(whole).all()
            np.testing.assert_allclose(parts, whole[order], rtol=1e-5, atol=1e-5)

    holds()


def test_memory_is_bounded_by_predicted_tokens_too(directories, monkeypatch):
    ranker = scoring(directories["bert"], passes=1)
    seen = []

    def counted(model, tokens, chosen):
        seen.append(int(chosen.sum()))
        return masking.predictions(model, tokens, chosen)

    monkeypatch.setattr(mlm_scoring, "predictions", counted)
    answers = [" ".join(WORDS[k:] + WORDS[:k]) for k in range(len(WORDS))]
    whole = ranker.score(["why ?"] * len(answers), answers)
    assert seen == [len(WORDS) ** 2]
    seen.clear()
    monkeypatch.setattr(masking, "_MOST_MASKED", 64)
    parts = ranker.score(["why ?"] * len(answers), answers)
    assert sum(seen) == len(WORDS) ** 2
    assert max(seen) <= 64
    np.testing.assert_allclose(parts, whole, rtol=1e-5)


def test_more_passes_than_tokens_are_exact_and_fewer_are_not(directories):
    exact, many, few = (
        scoring(directories["bert"], passes=passes).score(PROMPTS, ANSWERS)
        for passes in (None, 40, 2)
    )
    np.testing.assert_array_equal(exact, many)
    assert (np.abs(exact - few)[[2, 4]] > 1e-3).all()
    np.testing.assert_array_equal(exact[[0, 1, 3]], few[[0, 1, 3]])  # of at most two tokens


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_an_empty_candidate_is_as_likely_as_chance_at_full_length(directories, reduce):
    ranker = scoring(directories["bert"], reduce=reduce)
    size = len(ranker.framing.tokenizer)
    length = 40 if reduce == "sum" else 1
    done = []
    scores = ranker.score(["why ?"] * 2, ["", "  "], progress=done.append)
    np.testing.assert_allclose(scores, -np.log(size) * length, rtol=1e-6)
    assert sum(done) == 2
    if reduce == "sum":  # no tokens would else be likelier than any
        assert (ranker.compare(PROMPTS[:3], ANSWERS[:3], [""] * 3) > 0).all()


def test_progress_is_told_in_pairs_and_candidates_are_read_once(directories):
    ranker = scoring(directories["bert"])
    done = []
    logits = ranker.compare(
        ["why ?"] * 6,
        ["good", "good", "bad", "bad", "the one", "the one"],
        ["bad", "the one", "good", "the one", "good", "good "],
        tokens_per_batch=16,
        progress=done.append,
    )
    assert sum(done) == 6
    assert len(done) > 1
    assert logits[0] == -logits[2]
    assert logits[4] == logits[5]


def test_long_texts_are_cut_each_to_its_own_length(directories):
    ranker = scoring(directories["bert"], source_maxlength=3, candidate_maxlength=2)
    cut, whole = ranker.score(
        ["why ? how good", "why ? how"], ["good answer very much", "good answer"]
    )
    assert cut == whole


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"reduce": "max"}, UnknownName, "mean, sum"),
        ({"passes": 0}, BadValue, "passes"),
        ({"source_maxlength": 0}, BadValue, "source_maxlength"),
        ({"attention": "flash"}, BadValue, "attention"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, error, named):
    with pytest.raises(error, match=named):
        MLMScoring("somewhere", **options)


def test_calls_that_cannot_be_answered_are_named(directories):
    ranker = MLMScoring(directories["bert"])
    with pytest.raises(BadModel, match="prepare"):
        ranker.score(["a"], ["b"])
    with pytest.raises(BadValue, match="at most 96"):
        MLMScoring(directories["bert"], source_maxlength=80).prepare()
    ready = scoring(directories["bert"])
    with pytest.raises(BadValue, match="one length"):
        ready.score(["a"], [])
    with pytest.raises(BadValue, match="precision"):
        ready.compare(["a"], ["b"], ["c"], precision="int4")
    assert ready.compare([], [], []).shape == (0,)
    assert ready.prepare() is ready
