import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue, UnknownName
from workbench.routing.perturbations import PERTURBATIONS, PREAMBLES, perturbed

PROMPTS = [
    "Janet's ducks lay 16 eggs per day. How much does she earn?\nAnswer in dollars.",
    "Write a short poem about mountains and rivers.",
    "def f(x):\n    return x + 1",
    "你好，世界",
    "1 + 1 =",
    "",
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=60), min_size=1, max_size=5),
    st.sampled_from(list(PERTURBATIONS)),
    st.integers(0, 2**32),
)
def test_the_same_text_and_seed_give_the_same_whatever_the_others(texts, name, seed):
    found = perturbed(texts, name, seed)
    assert found == perturbed(texts, name, seed)
    assert found[::-1] == perturbed(texts[::-1], name, seed)
    assert found[:1] == perturbed(texts[:1], name, seed)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.integers(0, 99))
def test_what_each_keeps_of_a_text(text, seed):
    (spaced,), (asked,) = perturbed([text], "whitespace", seed), perturbed([text], "preamble", seed)
    assert spaced.split() == text.split()
    assert asked.endswith(text)
    assert asked[: len(asked) - len(text)].strip() in PREAMBLES
    (typed,) = perturbed([text], "typos", seed)
    assert len(text) - max(1, len(text) // 8) <= len(typed) <= len(text)
    assert typed.split(" ")[0][:1] == text.split(" ")[0][:1]
    assert [len(line.split(" ")) for line in typed.split("\n")] == [
        len(line.split(" ")) for line in text.split("\n")
    ]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_sentences_are_changed(name):
    assert all(a != b for a, b in zip(perturbed(PROMPTS[:2], name), PROMPTS, strict=False))
    assert len(perturbed(PROMPTS, name)) == len(PROMPTS)


def test_typos_misspell_a_tenth_of_the_longer_words():
    text = " ".join(["reading", "an", "aaaaa", "of", "question"] * 40)
    changed = list[tuple[str, str]]()
    for seed in range(5):
        (typed,) = perturbed([text], "typos", seed)
        changed += [(a, b) for a, b in zip(text.split(), typed.split(), strict=True) if a != b]
    assert len(changed) == 5 * 12
    for before, after in changed:
        assert after[0] == before[0]
        swapped = len(after) == len(before) and sorted(after) == sorted(before)
        dropped = any(before[:i] + before[i + 1 :] == after for i in range(len(before)))
        assert swapped or dropped


def test_case_and_numbers():
    assert perturbed(["Is 2 > 1? YES"], "lower_case") == ["is 2 > 1? yes"]
    assert perturbed(["Is 2 > 1? yes"], "upper_case") == ["IS 2 > 1? YES"]
    assert perturbed(["1 + 1 = 2, he"], "typos") == ["1 + 1 = 2, he"]


def test_seeds_and_texts_draw_apart():
    drawn = {perturbed(PROMPTS[:1], "typos", seed)[0] for seed in range(8)}
    assert len(drawn) > 4
    starts = {text.split("@")[0] for text in perturbed([f"@{i}" for i in range(50)], "preamble")}
    assert len(starts) == len(PREAMBLES)
    gaps = perturbed(["a b " * 500], "whitespace")[0].count("  ")
    assert gaps == pytest.approx(0.2 * 1000, abs=4 * np.sqrt(1000 * 0.16))


def test_what_there_is_not_is_told():
    with pytest.raises(UnknownName, match="Did you mean 'typos'"):
        perturbed(PROMPTS, "typo")
    with pytest.raises(BadValue, match="seed = -1"):
        perturbed(PROMPTS, "typos", -1)
