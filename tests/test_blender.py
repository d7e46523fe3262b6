"""The Python face: what llm-blender's users know, on any ranker and scheme, without a store."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from workbench import Blender
from workbench.aggregation import Scheme, ranks
from workbench.errors import BadModel, BadValue, MissingInput, UnknownName
from workbench.models.encoder import TinyEncoder
from workbench.ranking.pair_ranker import PairRanker
from workbench.store.source_text import source_text

INPUTS = ["hello there", "what is two plus two", "name a colour", ""]
LISTS = [
    ["hi", "go away", "good day to you"],
    ["four", "five", "it is four", "no idea", "two plus two is four"],
    ["blue"],
    ["a", "", "blue"],
]


@pytest.fixture(scope="module")
def ranker():
    torch.manual_seed(0)
    tiny = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=32, vocab_size=100)
    made = PairRanker(tiny, measures=["m"], source_maxlength=16, candidate_maxlength=16)
    made.build([*INPUTS, *(text for texts in LISTS for text in texts)])
    # Random heads give logits near 0, in which orders would hardly differ.
    torch.nn.init.normal_(made.head_layer[4].weight, std=5.0)
    return made


@pytest.fixture(scope="module")
def blender(ranker):
    return Blender(ranker, device="cpu")


def logit(ranker, source, left, right):
    return ranker.compare([source], [left], [right])[0]


def test_ranks_are_those_of_the_pair_logits_one_by_one(blender, ranker):
    found = blender.rank(INPUTS, LISTS)
    scores = blender.rank(INPUTS, LISTS, return_scores=True)
    assert found.shape == (4, 5)
    for q, (source, texts) in enumerate(zip(INPUTS, LISTS, strict=True)):
        expected = [
            sum(
                logit(ranker, source, a, b) - logit(ranker, source, b, a)
                for j, b in enumerate(texts)
                if j != i
            )
            for i, a in enumerate(texts)
        ]
        n = len(texts)
        np.testing.assert_allclose(scores[q, :n], np.array(expected) / n, atol=1e-4)
        assert list(found[q, :n]) == [1 + sum(e > mine for e in expected) for mine in expected]
        assert (found[q, n:] == 0).all()
        assert np.isneginf(scores[q, n:]).all()


def test_equal_candidates_share_their_rank(blender):
    [found] = blender.rank(["hello"], [["hi", "go away", "hi"]])
    assert found[0] == found[2]
    assert sorted(found) in ([1, 1, 3], [1, 2, 2])


def test_one_candidate_no_candidate_no_prompt(blender):
    assert blender.rank(["x"], [["only"]]).tolist() == [[1]]
    assert blender.rank(["x", "y"], [[], ["only"]]).tolist() == [[0], [1]]
    assert blender.rank([], []).shape == (0, 0)
    assert blender.compare([], [], []).shape == (0,)
    assert blender.best_of_n([], []) == []


@pytest.mark.parametrize("scheme", ["bradley_terry", "knockout(seed=3)", "max_wins;order=random"])
def test_any_scheme_ranks_as_on_stored_logits(blender, ranker, scheme):
    from workbench.aggregation import prompt_keys

    texts = LISTS[1]
    L = np.full((1, 5, 5), np.nan, np.float32)
    for i, a in enumerate(texts):
        for j, b in enumerate(texts):
            if i != j:
                L[0, i, j] = logit(ranker, INPUTS[1], a, b)
    mask = np.ones((1, 5), bool)
    expected = Scheme.parse(scheme).scores(L, mask, prompt_keys([INPUTS[1]]))
    scores = blender.rank(INPUTS, LISTS, scheme=scheme, return_scores=True)
    np.testing.assert_allclose(scores[1], expected[0], atol=1e-4)
    assert (blender.rank(INPUTS, LISTS, scheme=scheme)[1] == ranks(expected, mask)[0]).all()


def test_no_result_depends_on_the_batch_or_on_the_order_of_prompts(ranker):
    few = Blender(ranker, device="cpu", tokens_per_batch=1)
    many = Blender(ranker, device="cpu")
    expected = many.rank(INPUTS, LISTS, return_scores=True, scheme="borda;order=random")
    given = few.rank(INPUTS, LISTS, return_scores=True, scheme="borda;order=random")
    turned = many.rank(INPUTS[::-1], LISTS[::-1], return_scores=True, scheme="borda;order=random")
    np.testing.assert_allclose(given, expected, atol=1e-5)
    np.testing.assert_allclose(turned[::-1], expected, atol=1e-5)


def test_compare_in_each_mode(blender, ranker):
    A, B = ["hi", "five"], ["go away", "it is four"]
    forward = np.array([logit(ranker, x, a, b) for x, a, b in zip(INPUTS, A, B, strict=False)])
    backward = np.array([logit(ranker, x, b, a) for x, a, b in zip(INPUTS, A, B, strict=False)])
    for mode, expected in (
        ("[A,B]", forward),
        ("[B,A]", -backward),
        ("[A,B]+[B,A]", forward - backward),
    ):
        logits = blender.compare(INPUTS[:2], A, B, return_logits=True, mode=mode)
        np.testing.assert_allclose(logits, expected, atol=1e-5)
        verdicts = blender.compare(INPUTS[:2], A, B, mode=mode)
        assert verdicts.dtype == bool
        assert list(verdicts) == list(expected > 0)
    default = blender.compare(INPUTS[:2], A, B, return_logits=True)
    np.testing.assert_allclose(default, forward - backward, atol=1e-5)


def test_instructions_go_before_inputs(blender, ranker):
    instructions = ["say it", "answer", "", "x"]
    sources = [source_text("say it", "hello there"), "answer\nwhat is two plus two",
               "name a colour", "x"]  # fmt: skip
    given = blender.rank(INPUTS, LISTS, instructions, return_scores=True)
    expected = blender.rank(sources, LISTS, return_scores=True)
    np.testing.assert_array_equal(given, expected)


def test_best_of_n_is_the_candidate_of_rank_one(blender):
    found = blender.rank(INPUTS, LISTS)
    best = blender.best_of_n(INPUTS, LISTS)
    assert best == [texts[list(r).index(1)] for texts, r in zip(LISTS, found, strict=True)]


def talk(*answers, questions=("hello", "and two plus two")):
    turns = []
    for question, answer in zip(questions, answers, strict=True):
        turns += [{"role": "USER", "content": question}, {"role": "assistant", "content": answer}]
    return turns


def test_conversations_are_compared_by_all_their_responses(blender):
    good, bad = talk("hi", "it is four"), talk("go away", "five")
    logits = blender.compare_conversations([good, bad], [bad, good], return_logits=True)
    assert logits[0] == pytest.approx(-logits[1], abs=1e-5)
    assert abs(logits[0]) > 1e-4
    assert blender.compare_conversations([good], [good], return_logits=True)[0] == 0
    later = talk("hi", "five")
    changed = blender.compare_conversations([later], [bad], return_logits=True)
    assert changed[0] != pytest.approx(logits[0], abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (talk("x", "y")[:3], talk("x", "y"), "roles of conversation 0 of a"),
        (talk("x", "y"), talk("x", "y")[::-1], "roles of conversation 0 of b"),
        ([], [], "roles of conversation 0 of a"),
        (talk("x", "y"), talk("x", "y", questions=("hello", "why")), "user turns"),
        ([{"role": "user"}, {"role": "assistant", "content": "x"}], talk("x", "y"), "content"),
        (["hello"], talk("x", "y"), "a turn of conversation 0 of a"),
    ],
)
def test_broken_conversations_are_refused(blender, a, b, told):
    with pytest.raises(BadValue, match=told):
        blender.compare_conversations([a], [b])


def test_without_a_ranker_nothing_is_ranked():
    empty = Blender()
    for ask in (
        lambda: empty.rank(["x"], [["a", "b"]]),
        lambda: empty.compare(["x"], ["a"], ["b"]),
        lambda: empty.best_of_n(["x"], [["a", "b"]]),
        lambda: empty.compare_conversations([talk("x", "y")], [talk("x", "y")]),
    ):
        with pytest.raises(MissingInput, match="no ranker is loaded"):
            ask()


def test_a_ranker_comes_from_a_directory(ranker, blender, tmp_path):
    ranker.save_pretrained(tmp_path / "saved")
    again = Blender(tmp_path / "saved", device="cpu")
    np.testing.assert_allclose(
        again.rank(INPUTS, LISTS, return_scores=True),
        blender.rank(INPUTS, LISTS, return_scores=True),
        atol=1e-6,
    )


def test_bad_input_is_told_before_any_work(ranker, blender, tmp_path):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BadModel, match="holds no ranker"):
        Blender(tmp_path / "nothing")
    with pytest.raises(BadModel, match="no directory"):
        Blender(tmp_path / "absent")
    untrained = PairRanker(TinyEncoder(), measures=["m"])
    with pytest.raises(BadModel, match="PairRanker has to be trained"):
        Blender(untrained)
    with pytest.raises(BadValue, match="device"):
        Blender(ranker, device="abacus")
    with pytest.raises(UnknownName, match="unknown mode"):
        blender.compare(["x"], ["a"], ["b"], mode="A")
    with pytest.raises(UnknownName, match="max_logits"):
        blender.rank(["x"], [["a", "b"]], scheme="max_logit")
    with pytest.raises(BadValue, match="number of candidate lists"):
        blender.rank(["x"], [["a"], ["b"]])
    with pytest.raises(BadValue, match=r"candidates\[0\]"):
        blender.rank(["x"], ["ab"])
    with pytest.raises(BadValue, match="inputs"):
        blender.rank("x", [["a"]])
    with pytest.raises(BadValue, match="number of instructions"):
        blender.rank(["x"], [["a"]], ["i", "j"])
    with pytest.raises(BadValue, match="number of candidates_B"):
        blender.compare(["x"], ["a"], [])
    with pytest.raises(BadValue, match=r"candidates\[1\]"):
        blender.best_of_n(["x", "y"], [["a"], []])


def test_a_bar_is_shown_to_whoever_wants_one(ranker, capsys):
    quiet, told = (Blender(ranker, device="cpu", progress=wanted) for wanted in (False, True))
    expected = quiet.rank(INPUTS, LISTS)
    assert capsys.readouterr().err == ""
    assert (told.rank(INPUTS, LISTS) == expected).all()
    assert "32/32 pairs" in capsys.readouterr().err.replace("\n", "")


def test_callers_lists_are_left_as_they_are(blender):
    inputs, lists = list(INPUTS), [list(texts) for texts in LISTS]
    blender.rank(inputs, lists, ["i"] * 4)
    blender.compare(inputs, ["a"] * 4, ["b"] * 4)
    assert (inputs, lists) == (INPUTS, LISTS)


def test_the_face_is_imported_only_when_it_is_asked_for():
    code = (
        "import sys, workbench; assert 'torch' not in sys.modules; "
        "workbench.Blender; assert 'torch' in sys.modules; "
        "assert not hasattr(workbench, 'Blendr')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
