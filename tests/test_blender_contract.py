"""Blender on a ranker without weights: what it needs of one, and what it takes as texts."""

import numpy as np
import pytest

from workbench import Blender
from workbench.errors import BadValue
from workbench.ranking.ranker import Ranker


class Longest(Ranker):
    """As little as a ranker can be: prefers the longer text."""

    def __init__(self):
        self.hparams = {}

    def prepare(self):
        return self

    def compare(self, prompts, left, right, **options):
        return np.array([len(a) - len(b) for a, b in zip(left, right, strict=True)], np.float32)


@pytest.fixture(scope="module")
def blender():
    return Blender(Longest(), device="cpu")


def test_a_ranker_needs_no_more_than_its_contract(blender):
    found = blender.rank(["q", "q"], [["a", "bbb", "cc"], ["dd"]])
    assert found.tolist() == [[3, 1, 2], [1, 0, 0]]
    assert blender.best_of_n(["q"], [["a", "bbb"]], scheme="knockout") == ["bbb"]


@pytest.mark.parametrize(
    ("inputs", "lists", "instructions", "told"),
    [
        (["q"], [["x", None]], None, r"candidates\[0\]\[1\] = None: expected a text"),
        (["q"], [None], None, r"candidates\[0\] = None: expected a list of texts"),
        ([3], [["x"]], None, r"inputs\[0\] = 3: expected a text"),
        (["q"], [["x"]], "i", "instructions = 'i': expected a list of texts"),
        (["q"], [["x"]], [None], r"instructions\[0\] = None"),
    ],
)
def test_what_is_no_text_is_named(blender, inputs, lists, instructions, told):
    with pytest.raises(BadValue, match=told):
        blender.rank(inputs, lists, instructions)


def test_what_is_compared_are_texts_too(blender):
    with pytest.raises(BadValue, match=r"candidates_B\[0\] = None"):
        blender.compare(["q"], ["x"], [None])


def test_what_is_no_ranker_is_refused():
    with pytest.raises(BadValue, match="ranker = 3"):
        Blender(3)
