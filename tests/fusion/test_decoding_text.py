"""A decoding and the text that names it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadValue, UnknownName
from workbench.fusion.decoding import Decoding

DECODINGS = st.builds(
    Decoding,
    beams=st.just(1),
    max_new_tokens=st.integers(1, 300),
    temperature=st.floats(0, 5),
    top_p=st.floats(0.01, 1),
    seed=st.integers(0, 9),
    no_repeat_ngram=st.integers(0, 4),
    copy_ngram=st.integers(0, 4),
) | st.builds(Decoding, beams=st.integers(1, 9), length_penalty=st.floats(-3, 3))


@given(DECODINGS)
def test_text_and_back(decoding):
    assert Decoding.parse(str(decoding)) == decoding


@pytest.mark.parametrize(
    ("text", "decoding"),
    [
        ("greedy", Decoding(beams=1)),
        ("beam", Decoding()),
        ("beam( beams = 2 , copy_ngram=3)", Decoding(beams=2, copy_ngram=3)),
        ("sample(seed=3)", Decoding(beams=1, temperature=1.0, seed=3)),
    ],
)
def test_short_texts(text, decoding):
    assert Decoding.parse(text) == decoding


def test_what_has_no_effect_makes_no_difference():
    greedy = Decoding(beams=1, seed=5, top_p=0.5, length_penalty=2)
    assert greedy == Decoding(beams=1)
    assert str(greedy) == "greedy(max_new_tokens=128, no_repeat_ngram=0, copy_ngram=0)"
    assert str(Decoding(seed=5)) == str(Decoding(length_penalty=1))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"beams": 0}, "beams"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"beams": 2.0}, "beams"),
        ({"temperature": -1.0, "beams": 1}, "temperature"),
        ({"temperature": float("nan"), "beams": 1}, "temperature"),
        ({"temperature": 0.7}, "beams"),
        ({"top_p": 0.0}, "top_p"),
        ({"length_penalty": float("inf")}, "length_penalty"),
        ({"copy_ngram": -1}, "copy_ngram"),
    ],
)
def test_bad_settings(options, name):
    with pytest.raises(BadValue) as told:
        Decoding(**options)
    assert told.value.name == name


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("beams", UnknownName),
        ("beam(beam=3)", UnknownName),
        ("greedy(beams=1)", UnknownName),
        ("beam(beams=1)", BadValue),
        ("sample(temperature=0)", BadValue),
        ("beam(beams=2, beams=3)", BadValue),
        ("beam(beams=two)", BadValue),
        ("beam;beams=2", BadValue),
    ],
)
def test_bad_texts(text, error):
    with pytest.raises(error):
        Decoding.parse(text)
