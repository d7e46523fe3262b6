"""The Python face fuses: as the fuser itself does, the best candidates first, in any batch."""

import numpy as np
import pytest
from tiny_fuser import QUICK, write_t5

from workbench import Blender
from workbench.errors import BadModel, BadValue, MissingInput, UnknownName
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.loading import load_fuser
from workbench.fusion.tiny_seq2seq import TinySeq2Seq
from workbench.ranking.ranker import Ranker

INPUTS = ["hello there", "what is two plus two", "name a colour", ""]
LISTS = [
    ["hi", "go away", "good day to you"],
    ["four", "five", "it is four", "no idea", "two plus two is four"],
    ["blue"],
    ["a", "", "blue"],
]


class Longest(Ranker):
    """Prefers the longer text."""

    def __init__(self):
        self.hparams = {}

    def prepare(self):
        return self

    def compare(self, prompts, left, right, **options):
        return np.array([len(a) - len(b) for a, b in zip(left, right, strict=True)], np.float32)


@pytest.fixture(scope="module")
def fuser(tmp_path_factory):
    return load_fuser(write_t5(tmp_path_factory.mktemp("t5") / "tiny"))


@pytest.fixture(scope="module")
def blender(fuser):
    return Blender(Longest(), fuser=fuser, device="cpu")


def alone(fuser, instruction, input, candidates, **decoding):
    [made] = fuser.fuse([instruction], [input], [candidates], decoding=Decoding(**decoding))
    return made.texts[0]


def test_answers_are_those_of_the_fuser_one_by_one(blender, fuser):
    instructions = ["say it", "answer", "", "x"]
    fused = blender.fuse(INPUTS, LISTS, instructions, **QUICK)
    assert fused == [
        alone(fuser, *one, **QUICK) for one in zip(instructions, INPUTS, LISTS, strict=True)
    ]
    assert len(set(fused)) > 1
    without = blender.fuse(INPUTS, LISTS, **QUICK)
    assert without == [alone(fuser, "", *one, **QUICK) for one in zip(INPUTS, LISTS, strict=True)]
    assert without != fused


@pytest.mark.parametrize("decoding", [{"beams": 2}, {"beams": 1, "temperature": 1.5, "seed": 3}])
def test_no_answer_depends_on_the_batch_or_on_the_order_of_prompts(fuser, decoding):
    settings = {**decoding, "max_new_tokens": 5}
    one, many = (Blender(fuser=fuser, device="cpu", tokens_per_batch=n) for n in (1, 16384))
    expected = many.fuse(INPUTS, LISTS, **settings)
    assert one.fuse(INPUTS, LISTS, **settings) == expected
    assert many.fuse(INPUTS[::-1], LISTS[::-1], **settings) == expected[::-1]


def test_the_best_are_fused_the_best_first(blender, fuser):
    fused, scores = blender.rank_and_fuse(INPUTS, LISTS, top_k=2, return_scores=True, **QUICK)
    np.testing.assert_array_equal(scores, blender.rank(INPUTS, LISTS, return_scores=True))
    longest = [sorted(texts, key=len, reverse=True)[:2] for texts in LISTS]
    assert fused == blender.fuse(INPUTS, longest, **QUICK)
    _, ranked = blender.rank_and_fuse(INPUTS, LISTS, top_k=2, **QUICK)
    np.testing.assert_array_equal(ranked, blender.rank(INPUTS, LISTS))
    assert blender.rank_and_fuse(INPUTS, LISTS, top_k=2, **QUICK)[0] == fused
    assert blender.rank_and_fuse(INPUTS, LISTS, top_k=2, scheme="knockout", **QUICK)[0] != []
    assert blender.rank_and_fuse(INPUTS, LISTS, top_k=1, **QUICK)[0] == blender.fuse(
        INPUTS, [texts[:1] for texts in longest], **QUICK
    )
    # More than there are: all, in order; equal ones as they stand.
    everyone = [sorted(texts, key=len, reverse=True) for texts in LISTS]
    assert blender.rank_and_fuse(INPUTS, LISTS, top_k=9, **QUICK)[0] == blender.fuse(
        INPUTS, everyone, **QUICK
    )
    instructions = ["say it", "answer", "", "x"]
    assert blender.rank_and_fuse(INPUTS, LISTS, instructions, top_k=2, **QUICK)[0] == blender.fuse(
        INPUTS, longest, instructions, **QUICK
    )


def test_no_prompt_and_one_candidate(blender, fuser):
    assert blender.fuse([], []) == blender.rank_and_fuse([], [])[0] == []
    assert blender.rank_and_fuse(["x"], [["only"]], **QUICK)[0] == [
        alone(fuser, "", "x", ["only"], **QUICK)
    ]


def test_a_fuser_comes_from_a_directory(fuser, blender, tmp_path):
    fuser.save_pretrained(tmp_path / "saved")
    again = Blender(fuser=tmp_path / "saved", device="cpu")
    assert again.fuse(INPUTS, LISTS, **QUICK) == blender.fuse(INPUTS, LISTS, **QUICK)
    assert Blender(device="cpu").load_fuser(str(tmp_path / "saved")).fuser is not None


def test_without_settings_it_writes_as_the_fuser_was_trained_to(fuser):
    own = Decoding(beams=1, max_new_tokens=3)
    fuser.decoding, before = own, fuser.decoding
    try:
        blender = Blender(Longest(), fuser=fuser, device="cpu")
        assert blender.fuse(INPUTS, LISTS) == blender.fuse(INPUTS, LISTS, beams=1, max_new_tokens=3)
        assert blender.rank_and_fuse(INPUTS, LISTS, top_k=9)[0] == blender.rank_and_fuse(
            INPUTS, LISTS, top_k=9, beams=1, max_new_tokens=3
        )[0]  # fmt: skip
    finally:
        fuser.decoding = before
    assert blender.fuse(INPUTS, LISTS) != blender.fuse(INPUTS, LISTS, **vars(own))


def test_bad_input_is_told_before_any_work(fuser, tmp_path):
    class Refuses(Longest):
        def compare(self, *given, **options):
            raise AssertionError("compared before all was checked")

    blender = Blender(Refuses(), fuser=fuser, device="cpu")
    two = [["a", "b"]]
    with pytest.raises(BadValue, match=r"candidates\[1\] = \[\]: expected at least one"):
        blender.fuse(["x", "y"], [["a"], []])
    with pytest.raises(BadValue, match=r"candidates\[0\]"):
        blender.rank_and_fuse(["x"], [[]])
    with pytest.raises(BadValue, match="top_k = 0"):
        blender.rank_and_fuse(["x"], two, top_k=0)
    with pytest.raises(BadValue, match=r"top_k = 1\.5"):
        blender.rank_and_fuse(["x"], two, top_k=1.5)
    many = [[str(n) for n in range(12)]]  # the tiny T5 has 11 sentinels
    with pytest.raises(BadModel, match="<extra_id_11>"):
        blender.rank_and_fuse(["x"], many, top_k=12)
    with pytest.raises(AssertionError, match="compared before"):
        blender.rank_and_fuse(["x"], many, top_k=11)
    with pytest.raises(UnknownName, match=r"'num_beams'.*beams"):
        blender.rank_and_fuse(["x"], two, num_beams=2)
    with pytest.raises(BadValue, match="beams = 0"):
        blender.rank_and_fuse(["x"], two, beams=0)
    with pytest.raises(UnknownName, match="max_logits"):
        blender.rank_and_fuse(["x"], two, scheme="max_logit")
    with pytest.raises(BadValue, match="number of instructions"):
        blender.fuse(["x"], two, ["i", "j"])
    with pytest.raises(BadValue, match="number of candidate lists"):
        blender.fuse(["x", "y"], two)
    with pytest.raises(BadValue, match="a list of texts"):
        blender.fuse(["x"], ["ab"])
    with pytest.raises(MissingInput, match="no fuser is loaded"):
        Blender(Refuses(), device="cpu").rank_and_fuse(["x"], two)
    with pytest.raises(MissingInput, match="no ranker is loaded"):
        Blender(fuser=fuser, device="cpu").rank_and_fuse(["x"], two)
    with pytest.raises(MissingInput, match="no fuser is loaded"):
        Blender(device="cpu").fuse(["x"], two)
    with pytest.raises(BadValue, match="fuser = 3"):
        Blender(fuser=3)
    with pytest.raises(BadModel, match="no weights yet"):
        Blender(fuser=GenFuser(TinySeq2Seq()))
    with pytest.raises(BadModel, match="absent"):
        Blender(fuser=tmp_path / "absent")


def test_callers_lists_are_left_as_they_are_and_a_bar_is_shown_if_wanted(fuser, capsys):
    inputs, lists, instructions = list(INPUTS), [list(texts) for texts in LISTS], ["i"] * 4
    for shown in (False, True):
        blender = Blender(Longest(), fuser=fuser, device="cpu", progress=shown)
        blender.rank_and_fuse(inputs, lists, instructions, top_k=2, **QUICK)
        assert ("4/4 prompts" in capsys.readouterr().err.replace("\n", "")) == shown
    assert (inputs, lists, instructions) == (INPUTS, LISTS, ["i"] * 4)
