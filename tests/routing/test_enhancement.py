"""Rewards mixed with those of their tags."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.errors import BadValue
from workbench.routing.enhancement import enhanced_rewards, tag_places

NAN = float("nan")
TAGS = st.lists(st.sampled_from("abcd"), max_size=3)
CELLS = st.one_of(st.just(NAN), st.floats(-5, 5))


@st.composite
def tagged_rewards(draw):
    prompts = draw(st.integers(0, 7))
    rewards = draw(arrays(np.float64, (prompts, 3), elements=CELLS))
    return rewards, draw(st.lists(TAGS, min_size=prompts, max_size=prompts))


def naive(rewards, tags, beta, least):
    """Prompt by prompt, LLM by LLM, as the paper says it."""
    found = rewards.copy()
    size = {tag: sum(tag in own for own in tags) for own in tags for tag in own}
    for q, llm in np.ndindex(rewards.shape):
        means = []
        for tag in set(tags[q]):
            with_tag = [rewards[p, llm] for p in range(len(tags)) if tag in tags[p]]
            known = [value for value in with_tag if not np.isnan(value)]
            if size[tag] >= least and known:
                means.append(np.mean(known))
        if means:
            found[q, llm] = beta * rewards[q, llm] + (1 - beta) * np.mean(means)
    return found


@settings(max_examples=60, deadline=None)
@given(tagged_rewards(), st.sampled_from([0.0, 0.3, 1.0]), st.integers(1, 3))
def test_it_is_what_the_loop_gives(pool, beta, least):
    rewards, tags = pool
    before = rewards.copy()
    found = enhanced_rewards(rewards, tags, beta, least)
    np.testing.assert_allclose(found, naive(rewards, tags, beta, least), atol=1e-12)
    np.testing.assert_array_equal(rewards, before)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(rewards))


@settings(max_examples=30, deadline=None)
@given(tagged_rewards())
def test_beta_1_changes_nothing(pool):
    rewards, tags = pool
    np.testing.assert_array_equal(enhanced_rewards(rewards, tags, 1.0, 1), rewards)


def test_beta_0_is_the_mean_of_the_tags():
    rewards = np.array([[1.0, 0.0], [0.0, 0.5], [3.0, 4.0], [5.0, 6.0]])
    tags = [["a"], ["a", "b"], ["b"], []]
    a, b = [0.5, 0.25], [1.5, 2.25]
    both = [1.0, 1.25]
    np.testing.assert_allclose(enhanced_rewards(rewards, tags, 0.0), [a, both, b, [5.0, 6.0]])


def test_a_tag_seen_once_does_not_count():
    rewards = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
    tags = [["common", "alone"], ["common"], ["also alone"]]
    np.testing.assert_allclose(
        enhanced_rewards(rewards, tags, 0.0), [[0.5, 0.5], [0.5, 0.5], [2.0, 2.0]]
    )
    once = enhanced_rewards(rewards, tags, 0.0, min_tag_prompts=1)
    np.testing.assert_allclose(once[0], [0.75, 0.25])


def test_what_is_not_known_is_left_out_and_is_never_0():
    rewards = np.array([[4.0, NAN], [2.0, 6.0], [NAN, NAN]])
    found = enhanced_rewards(rewards, [["a"], ["a"], ["a"]], 0.5)
    np.testing.assert_allclose(found, [[3.5, NAN], [2.5, 6.0], [NAN, NAN]])


def test_prompts_without_tags_keep_theirs():
    rewards = np.array([[4.0, 1.0], [2.0, 6.0]])
    np.testing.assert_array_equal(enhanced_rewards(rewards, [[], []], 0.3), rewards)


def test_a_tag_given_twice_counts_once():
    prompt, tag, names = tag_places([["b", "b", "a"], ["b"]])
    assert (prompt.tolist(), tag.tolist(), names) == ([0, 0, 1], [0, 1, 1], ["a", "b"])


@pytest.mark.parametrize(
    ("beta", "least", "tags"),
    [(-0.1, 2, 1), (1.1, 2, 1), (NAN, 2, 1), (0.5, 0, 1), (0.5, 2, 2)],
)
def test_what_cannot_be_is_refused(beta, least, tags):
    with pytest.raises(BadValue):
        enhanced_rewards(np.zeros((1, 2)), [["a"]] * tags, beta, least)
