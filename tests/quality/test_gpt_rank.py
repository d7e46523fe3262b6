import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.quality.gpt_rank import VOTES, gpt_scores, measure_name

WORDS = ("left", "right", "both good", "both bad")
COMPLETE = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(
            st.tuples(st.sampled_from(WORDS), st.booleans()),
            min_size=n * (n - 1) // 2,
            max_size=n * (n - 1) // 2,
        ),
    )
)


def naive_ranks(n, verdicts):
    """GPT-Rank as LLM-Blender defines it, entry by entry: (left, right, verdict) -> [n] ranks."""
    x = [[0.0] * n for _ in range(n)]
    marks = {"left": (1, -1), "right": (-1, 1), "both good": (0.5, 0.5), "both bad": (-0.5, -0.5)}
    for left, right, verdict in verdicts:
        x[left][right] += marks[verdict][0]
        x[right][left] += marks[verdict][1]
    sums = [sum(x[i][j] - x[j][i] for j in range(n)) for i in range(n)]
    return [1 + sum(other > own for other in sums) for own in sums]


def ranks(scores):
    return [1 + int((scores > own).sum()) for own in scores]


def scored(n, verdicts, candidate=None):
    left, right, words = zip(*verdicts, strict=True) if verdicts else ((), (), ())
    votes = np.array([VOTES[word] for word in words])
    known = np.ones(n, bool) if candidate is None else np.array(candidate)
    return gpt_scores(np.array(left, int), np.array(right, int), votes, known)


def presented(n, drawn):
    pairs = [(i, j) for i in range(n) for j in range(i)]
    return [
        (j, i, word) if turned else (i, j, word)
        for (i, j), (word, turned) in zip(pairs, drawn, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(COMPLETE)
def test_the_ranks_are_those_of_llm_blender(drawn):
    n, verdicts = drawn[0], presented(*drawn)
    scores = scored(n, verdicts)
    assert ranks(scores) == naive_ranks(n, verdicts)
    assert scores.sum() == pytest.approx(0, abs=1e-12)
    assert (np.abs(scores) <= 1).all()


@settings(max_examples=60, deadline=None)
@given(COMPLETE, st.randoms())
def test_both_orders_too(drawn, random):
    n, verdicts = drawn[0], presented(*drawn)
    verdicts += [(right, left, random.choice(WORDS)) for left, right, _ in verdicts]
    assert ranks(scored(n, verdicts)) == naive_ranks(n, verdicts)


@settings(max_examples=60, deadline=None)
@given(COMPLETE, st.randoms())
def test_nothing_depends_on_how_the_pairs_come(drawn, random):
    n, verdicts = drawn[0], presented(*drawn)
    scores = scored(n, verdicts)
    mixed = random.sample(verdicts, len(verdicts))
    turned = {"left": "right", "right": "left"}
    again = [
        (right, left, turned.get(word, word)) if random.random() < 0.5 else (left, right, word)
        for left, right, word in mixed
    ]
    assert np.array_equal(scored(n, again), scores)
    # The same verdict in both orders says no more than in one.
    both = verdicts + [(right, left, turned.get(word, word)) for left, right, word in verdicts]
    assert np.allclose(scored(n, both), scores)


def test_by_hand():
    # 0 beats 1 and 2; 1 and 2 are both bad; 3 lost to 0, drew with 1, beat 2.
    verdicts = [(0, 1, "left"), (2, 0, "right"), (1, 2, "both bad"), (3, 0, "right"),
                (3, 1, "both good"), (2, 3, "right")]  # fmt: skip
    assert scored(4, verdicts) == pytest.approx([1, -1 / 3, -2 / 3, 0])
    assert ranks(scored(4, verdicts)) == [1, 3, 4, 2]


def test_who_is_judged_more_often_has_no_advantage():
    # 0 won one of one, 1 three of four: the sum would put 1 first.
    verdicts = [(0, 2, "left"), (1, 3, "left"), (1, 4, "left"), (1, 5, "left"), (1, 6, "right")]
    scores = scored(8, verdicts)
    assert scores[:2] == pytest.approx([1.0, 0.5])
    assert np.isnan(scores[7])
    # One pair in both orders weighs no more than one in a single order.
    uneven = scored(3, [(0, 1, "left"), (1, 0, "right"), (0, 2, "right")])
    assert uneven == pytest.approx([0, -1, 1])
    assert np.isnan(scored(3, [])).all()


def test_fusions_are_measured_against_candidates_and_change_nothing_for_them():
    among = [(0, 1, "left"), (2, 1, "both good"), (0, 2, "right")]
    candidate = [True, True, True, False, False]
    fused = [*among, (3, 0, "left"), (1, 3, "both bad"), (4, 3, "left"), (4, 2, "right")]
    scores = scored(5, fused, candidate)
    assert np.array_equal(scores[:3], scored(3, among))
    assert scores[3:] == pytest.approx([0.5, -1.0])


def test_its_name():
    assert measure_name("gpt-4o-mini@pairwise-1") == "gpt_rank[gpt-4o-mini@pairwise-1]@1"
