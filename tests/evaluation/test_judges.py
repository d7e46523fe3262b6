import numpy as np
import pytest

from workbench.errors import BadValue
from workbench.evaluation import evaluate_agreement, evaluate_judges
from workbench.evaluation.verdict_report import VERDICT_FIGURES
from workbench.evaluation.verdicts import (
    judge_groups,
    kappa,
    majority,
    majority_of_others,
    score_preferences,
)

FEW = {"resamples": 20}


def test_kappa_of_a_known_table():
    """Fifty proposals read by two people: 20 yes, 15 no from both, 5 and 10 apart; κ = 0.4."""
    cells = [(1, 1, 20), (1, -1, 5), (-1, 1, 10), (-1, -1, 15)]
    first, second = (np.concatenate([np.full(c[2], float(c[i])) for c in cells]) for i in (0, 1))
    found = kappa(first, second, np.arange(50), 50, resamples=500)
    assert found is not None
    assert found.value == pytest.approx(0.4)
    assert found.n == 50
    # The usual standard error is sqrt(po (1 − po) / n) / (1 − pe) = 0.13.
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.13, abs=0.02)


def test_three_judges_by_hand():
    nan = np.nan
    votes = np.array([[1, 1, -1], [0, 0, 1], [1, 0, -1], [-1, -1, nan], [1, nan, nan]])
    np.testing.assert_array_equal(majority(votes), [1, 0, nan, -1, 1])
    np.testing.assert_array_equal(
        majority_of_others(votes),
        [[nan, nan, 1], [nan, nan, 0], [nan, nan, nan], [-1, -1, nan], [nan, nan, nan]],
    )
    told = evaluate_judges(votes, ["g/a", "g/b", "g/c"], np.array([0, 0, 1, 1, 2]), **FEW)
    together = told["majority of g"]
    assert (together["verdict_pairs"].value, together["verdict_pairs"].n) == (4, 3)
    assert together["verdict_ties"].value == 0.25
    assert (told["g/c"]["verdict_pairs"].value, told["g/c"]["verdict_ties"].value) == (3, 0)
    others = "agreement[majority of others of g]"
    assert (told["g/c"][others].value, told["g/a"][others].value) == (0, 1)
    assert told["each of g"][others].value == pytest.approx(2 / 3)


def test_intervals_resample_prompts_and_not_pairs():
    """Ten copies of each pair in its own prompt tell nothing new."""
    rng = np.random.default_rng(1)
    said, votes = rng.normal(size=40), rng.choice([-1.0, 1.0], (40, 1))
    q = np.arange(40)
    once, often = (
        evaluate_agreement(
            {"s": np.repeat(said, n)}, np.zeros(40 * n), np.repeat(votes, n, axis=0), ["j"],
            np.repeat(q, n),
        )["s"]["agreement[j]"]
        for n in (1, 10)
    )  # fmt: skip
    assert (once.value, once.n) == (often.value, often.n)
    assert (once.low, once.high) == pytest.approx((often.low, often.high))
    assert 0.1 < once.high - once.low < 0.4


def test_a_difference_to_longest_is_paired():
    rng = np.random.default_rng(2)
    longest, votes = rng.normal(size=300), rng.choice([-1.0, 1.0], (300, 1))
    nearly = np.where(np.arange(300) % 50 == 0, -longest, longest)
    nearly[7] = np.nan
    found = evaluate_agreement(
        {"nearly": nearly, "longest": longest}, longest, votes, ["j"], np.arange(300)
    )
    lead = found["nearly"]["agreement_vs_longest[j]"]
    assert lead.n == 299
    assert (
        lead.high - lead.low
        < 0.05
        < 0.09
        < np.ptp([getattr(found["nearly"]["agreement[j]"], side) for side in ("low", "high")])
    )
    same = found["longest"]["agreement_vs_longest[j]"]
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_candidates_without_a_score_have_no_preference():
    scores = np.array([[1.0, 2.0, -np.inf, np.nan], [-np.inf] * 4])
    q, left, right = np.array([[0, 0, 1], [0, 1, 0], [0, 0, 2], [0, 3, 1], [1, 0, 1]]).T
    np.testing.assert_array_equal(
        score_preferences(scores, q, left, right), [-1, 1, np.nan, np.nan, np.nan]
    )


def test_judges_are_grouped_by_the_beginning_of_their_names():
    judges = ["a/1", "chatgpt", "a/2", "b/1", "/1", "/2", "org/x/1", "org/x/2"]
    assert judge_groups(judges) == {"a": [0, 2], "org/x": [6, 7]}


def test_no_pairs_no_figures():
    nothing = np.zeros(0)
    found = evaluate_agreement({"s": nothing}, nothing, np.zeros((0, 1)), ["j"], np.zeros(0, int))
    assert found == {"s": {}}
    assert evaluate_judges(np.zeros((0, 2)), ["g/1", "g/2"], np.zeros(0, int)) == {}


def test_numbers_of_pairs_and_judges_must_fit():
    votes, q = np.ones((3, 2)), np.arange(3)
    with pytest.raises(BadValue, match="votes"):
        evaluate_judges(votes, ["only one"], q)
    with pytest.raises(BadValue, match="'q'"):
        evaluate_judges(votes, ["a", "b"], q[:2])
    with pytest.raises(BadValue, match="'s'"):
        evaluate_agreement({"s": np.ones(4)}, np.ones(3), votes, ["a", "b"], q)


def test_every_figure_is_described():
    votes, q = np.array([[1.0, -1.0], [1.0, 0.0], [-1.0, -1.0]]), np.arange(3)
    systems = evaluate_agreement({"s": votes[:, 0]}, votes[:, 0], votes, ["g/1", "g/2"], q, **FEW)
    told = evaluate_judges(votes, ["g/1", "g/2"], q, **FEW)
    names = {figure for found in (systems, told) for f in found.values() for figure in f}
    assert {name.partition("[")[0] for name in names} == set(VERDICT_FIGURES)
