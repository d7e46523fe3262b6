"""Top K: exact where nothing is left to chance, right as often as it says, and cheaper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logit_pools import pools
from scipy.stats import t as student

from workbench.aggregation import Scheme, stored
from workbench.aggregation.strengths import RATIOS
from workbench.aggregation.top_k import top_k
from workbench.errors import BadValue

few = settings(max_examples=25, deadline=None)


def simulated(prompts, n, ratio, seed=0):
    """Linear rankers whose strengths vary `ratio` times as much as their noise; any scale."""
    rng = np.random.default_rng(seed)
    strengths = rng.normal(size=(prompts, n)) * np.sqrt(ratio)
    noise = np.triu(rng.normal(size=(prompts, n, n)), 1)
    D = strengths[:, :, None] - strengths[:, None, :] + noise - noise.transpose(0, 2, 1)
    return D * rng.lognormal(0, 2, size=(prompts, 1, 1))


def ranked(D, **options):
    scheme = Scheme.of("top_k", **options)
    return scheme.rank(stored(D), np.ones(D.shape[:2], bool), np.arange(len(D)))


def best(scores, k):
    return np.sort(np.argsort(-scores, axis=1)[:, :k], axis=1)


def right(D, k, found):
    return (best(D.sum(axis=2), k) == best(found.scores, k)).all(axis=1)


@few
@given(pool=pools(widest=7), k=st.integers(1, 4))
def test_with_confidence_1_it_is_max_logits_over_all_pairs(pool, k):
    L, mask = pool
    found = Scheme.of("top_k", k=k, confidence=1.0).rank(stored(L), mask)
    n = mask.sum(axis=1)
    played = n > k
    np.testing.assert_array_equal(found.comparisons, np.where(played, n * (n - 1), 0))
    totals = Scheme("max_logits").scores(L, mask)
    np.testing.assert_allclose(found.scores[played], totals[played], atol=1e-6)
    assert (found.scores[~played] == np.where(mask[~played], 0, -np.inf)).all()


@pytest.mark.parametrize("ratio", [0.5, 5.0, 50.0])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("confidence", [0.7, 0.9])
def test_it_is_right_as_often_as_it_says_at_less_than_the_whole_cost(ratio, k, confidence):
    D = simulated(500, 8, ratio)
    found = ranked(D, k=k, confidence=confidence)
    margin = 3 * np.sqrt(confidence * (1 - confidence) / len(D))
    assert right(D, k, found).mean() > confidence - margin
    assert found.comparisons.mean() < 0.8 * 8 * 7
    assert found.comparisons.min() >= 8


def test_more_confidence_and_less_consistent_rankers_cost_more():
    used = [
        [ranked(simulated(200, 10, ratio), confidence=c).comparisons.mean() for c in (0.6, 0.9, 1)]
        for ratio in (100.0, 5.0, 0.3)
    ]
    assert (np.diff(used, axis=1) > 0).all()
    assert (np.diff(np.array(used)[:, :2], axis=0) > 0).all()
    assert [row[-1] for row in used] == [90.0] * 3


def test_an_additive_ranker_is_settled_in_about_one_look_at_each():
    strengths = np.random.default_rng(0).normal(size=(200, 12))
    D = strengths[:, :, None] - strengths[:, None, :]
    found = ranked(D, confidence=0.99)
    assert right(D, 1, found).mean() > 0.98
    assert found.comparisons.mean() < 2 * 16


def test_the_scale_of_the_logits_changes_no_choice():
    D = simulated(40, 7, 3.0)
    one, other = ranked(D, k=2), ranked(1024.0 * D, k=2)
    np.testing.assert_array_equal(np.isnan(one.logits), np.isnan(other.logits))
    np.testing.assert_allclose(1024.0 * one.scores, other.scores)


def test_who_is_out_of_reach_meets_no_one_any_more():
    """Four contenders within the noise and six far below."""
    rng = np.random.default_rng(1)
    strengths = np.concatenate([rng.normal(0, 1, (100, 4)), rng.normal(-30, 1, (100, 6))], axis=1)
    noise = np.triu(rng.normal(size=(100, 10, 10)), 1)
    D = strengths[:, :, None] - strengths[:, None, :] + noise - noise.transpose(0, 2, 1)
    games = (~np.isnan(ranked(D, confidence=0.9).logits)).sum(axis=2).mean(axis=0)
    assert games[:4].min() > 1.5 * games[4:].max()


def test_more_pairs_a_round_make_fewer_rounds():
    D = simulated(50, 10, 2.0)
    calls = {1: 0, 4: 0}
    used = {}
    for pairs in calls:

        def compare(prompt, left, right, pairs=pairs):
            calls[pairs] += 1
            return D[prompt, left, right]

        scheme = Scheme.of("top_k", confidence=0.9, pairs=pairs)
        used[pairs] = scheme.rank(compare, np.ones((50, 10), bool), np.arange(50)).comparisons
    assert calls[4] < 0.5 * calls[1]
    assert used[1].mean() <= used[4].mean() < used[1].mean() + 2 * 8


def test_equal_candidates_and_rankers_without_opinion_come_to_an_end():
    twins = np.zeros((1, 5, 5))
    twins[0, :2, 2:], twins[0, 2:, :2] = 3.0, -3.0
    found = ranked(twins, confidence=0.999999)
    assert found.scores[0, 0] == found.scores[0, 1] > found.scores[0, 2:].max()
    silent = ranked(np.zeros((1, 5, 5)))
    assert silent.comparisons.tolist() == [20]
    assert (silent.scores == 0).all()


def joint(D, compared):
    """Incidence, mean and covariance of all pairs of one prompt, given those compared.

    Conditioned for each ρ on all at once, with the scale's reference posterior; ρ averaged out.
    """
    n = len(D)
    i, j = np.triu_indices(n, 1)
    seen = compared[i, j]
    incidence = np.zeros((len(i), n))
    incidence[np.arange(len(i)), i], incidence[np.arange(len(i)), j] = 1, -1
    d = D[i, j][seen]
    fits, means, covariances = [], [], []
    for ratio in RATIOS:
        prior = ratio * incidence @ incidence.T + np.eye(len(i))
        inner = np.linalg.inv(prior[np.ix_(seen, seen)])
        scale = d @ inner @ d / len(d)
        fits.append(0.5 * np.linalg.slogdet(inner)[1] - 0.5 * len(d) * np.log(scale))
        means.append(prior[:, seen] @ inner @ d)
        covariances.append(scale * (prior - prior[:, seen] @ inner @ prior[seen]))
    weight = np.exp(fits - np.max(fits))
    weight /= weight.sum()
    mean = weight @ means
    apart = np.array(means) - mean
    covariance = np.einsum("r,rij->ij", weight, covariances) + (weight * apart.T) @ apart
    return incidence, mean, covariance


def test_scores_are_expected_totals_of_the_joint_distribution():
    """Stopped early or late, the closed form over strengths is that over all pairs."""
    for confidence in (0.3, 0.6, 0.9, 0.99, 1.0):
        D = simulated(5, 6, 2.0, seed=4)
        found = ranked(D, confidence=confidence)
        for q in range(len(D)):
            incidence, mean, _ = joint(D[q], ~np.isnan(found.logits[q]))
            np.testing.assert_allclose(found.scores[q], 2 * incidence.T @ mean, rtol=1e-6)


def test_the_next_pair_is_the_one_that_leaves_least_variance_at_the_border():
    for seed in range(8):
        D = simulated(1, 6, 2.0, seed=seed)
        play = top_k(np.ones((1, 6), bool), np.zeros(1, np.uint64), k=2, confidence=1.0)
        first = next(play)
        compared = np.zeros((6, 6), bool)
        compared[first.i, first.j] = compared[first.j, first.i] = True
        chosen = play.send(D[0, first.i, first.j])
        incidence, mean, covariance = joint(D[0], compared)
        totals = incidence.T @ mean
        order = np.argsort(-totals)
        left = {}
        for pair, (i, j) in enumerate(zip(*np.triu_indices(6, 1), strict=True)):
            if compared[i, j]:
                continue
            column = covariance[:, pair]
            after = covariance - np.outer(column, column) / column[pair]
            left[int(i), int(j)] = 0.0
            for a in order[:2]:
                for b in order[2:]:
                    way = incidence[:, a] - incidence[:, b]
                    variance = way @ covariance @ way
                    risk = student.sf((totals[a] - totals[b]) / np.sqrt(variance), len(first.i))
                    left[int(i), int(j)] += risk * (way @ after @ way) / variance
        picked = tuple(sorted((int(chosen.i[0]), int(chosen.j[0]))))
        assert left[picked] == pytest.approx(min(left.values()), rel=1e-6)


def test_a_pair_that_cannot_be_had_ends_its_prompt_only():
    D = simulated(3, 6, 1.0)
    L = D.copy()
    L[1] = np.nan
    found = ranked(L, confidence=1.0)
    assert found.complete.tolist() == [True, False, True]
    assert found.comparisons.tolist() == [30, 0, 30]
    with pytest.raises(BadValue, match="of prompt row 1"):
        Scheme.of("top_k").scores(L, np.ones((3, 6), bool))
