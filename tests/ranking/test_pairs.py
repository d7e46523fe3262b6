import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadValue, UnknownName
from workbench.ranking import pairs as pairs_module
from workbench.ranking.pairs import MODES, all_pairs, first_of_each, sample_pairs


def pool(seed, prompts=7, width=6, measures=2):
    random = np.random.default_rng(seed)
    quality = random.integers(0, 4, (prompts, width, measures)).astype(float)
    quality[random.random(quality.shape) < 0.15] = np.nan
    return quality, random.random((prompts, width)) < 0.8


def drawn(quality, mask, seed=0, **options):
    return sample_pairs(quality, mask, random=np.random.default_rng(seed), **options)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(MODES), st.sampled_from([1, 3, None]))
def test_every_drawn_pair_is_real_distinct_and_tells_something(seed, mode, count):
    quality, mask = pool(seed)
    found = drawn(quality, mask, seed, mode=mode, pairs_per_prompt=count)
    seen = set()
    for q, i, j in zip(*found, strict=True):
        assert mask[q, i]
        assert mask[q, j]
        gap = quality[q, i] - quality[q, j]
        assert ((gap != 0) & ~np.isnan(gap)).any()
        assert (q, min(i, j), max(i, j)) not in seen
        seen.add((q, min(i, j), max(i, j)))
    if mode in ("all_pair", "top_bottom") and count:
        assert np.bincount(found.prompt, minlength=1).max(initial=0) <= count


def test_all_pair_takes_what_is_asked_or_all_there_is():
    quality = np.arange(5.0)[None, :, None].repeat(3, axis=0)
    mask = np.ones((3, 5), bool)
    mask[2, 2:] = False
    assert np.bincount(drawn(quality, mask, pairs_per_prompt=4).prompt).tolist() == [4, 4, 1]
    assert np.bincount(drawn(quality, mask, pairs_per_prompt=None).prompt).tolist() == [10, 10, 1]


def undirected(found):
    return sorted((int(min(i, j)), int(max(i, j))) for _, i, j in zip(*found, strict=True))


def test_sorted_modes_take_the_reference_code_s_pairs():
    quality = np.array([3.0, 0.0, 5.0, 1.0, 4.0, 2.0])[None, :, None]  # order: 2 4 0 5 3 1
    mask = np.ones((1, 6), bool)
    top = drawn(quality, mask, mode="top_bottom", pairs_per_prompt=2)
    assert undirected(top) == [(1, 4), (2, 3)]
    uniform = drawn(quality, mask, mode="uniform", ratio=0.4)
    assert undirected(uniform) == [(0, 2), (0, 3)]
    assert len(drawn(quality, mask, mode="random", ratio=0.5).prompt) == 3


def test_sides_and_subsets_are_drawn_by_chance_and_by_seed():
    quality = np.random.default_rng(0).random((400, 4, 1))
    mask = np.ones((400, 4), bool)
    one, again, other = (drawn(quality, mask, seed, pairs_per_prompt=2) for seed in (1, 1, 2))
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    better_left = quality[one.prompt, one.left, 0] > quality[one.prompt, one.right, 0]
    assert 0.4 < better_left.mean() < 0.6
    assert 0.4 < (one.left < one.right).mean() < 0.6


def test_chunks_change_nothing_but_the_draw(monkeypatch):
    quality, mask = pool(3, prompts=20)
    whole = drawn(quality, mask, pairs_per_prompt=None)
    monkeypatch.setattr(pairs_module, "_CHUNK_CELLS", 50)
    parts = drawn(quality, mask, pairs_per_prompt=None)
    assert sorted(zip(parts.prompt, *np.sort([parts.left, parts.right], 0), strict=True)) == sorted(
        zip(whole.prompt, *np.sort([whole.left, whole.right], 0), strict=True)
    )


def test_no_candidates_no_pairs():
    for mode in MODES:
        none = drawn(np.zeros((2, 3, 1)), np.zeros((2, 3), bool), mode=mode)
        assert none.prompt.shape == (0,)
        one = drawn(np.ones((1, 1, 1)), np.ones((1, 1), bool), mode=mode)
        assert one.prompt.shape == (0,)


def test_identical_texts_count_once():
    text = np.array([[4, 7, 4, 7], [1, 1, 1, -1]])
    mask = np.array([[True, True, True, False], [False, True, True, False]])
    assert first_of_each(text, mask).tolist() == [
        [True, True, False, False],
        [False, True, False, False],
    ]


def test_all_pairs_of_a_ragged_pool():
    found = all_pairs(np.array([[True, False, True], [True, True, True]]))
    assert list(zip(*found, strict=True)) == [(0, 0, 2), (1, 0, 1), (1, 0, 2), (1, 1, 2)]


def test_options_that_cannot_be_used_are_named():
    quality, mask = pool(0)
    with pytest.raises(UnknownName, match="Did you mean 'all_pair'"):
        drawn(quality, mask, mode="all_pairs")
    with pytest.raises(BadValue, match="pairs_per_prompt"):
        drawn(quality, mask, pairs_per_prompt=0)
    with pytest.raises(BadValue, match="pair_ratio"):
        drawn(quality, mask, ratio=0.0)
