"""Routers on vectors against naive versions that are written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from router_kinds import made

from workbench.aggregation.bradley_terry import bradley_terry
from workbench.errors import BadValue
from workbench.routing.matrix_factorisation import preference_loss
from workbench.routing.selection import best_setting, known_together, reward_slope, several


def learned(kind, vectors, rewards, **options):
    router = made(kind, llms=[f"llm{i}" for i in range(rewards.shape[1])], **options)
    router.learn(vectors, rewards, vectors, rewards)
    return router


def table(seed, prompts=30, width=4, llms=3, missing=0.3):
    """Vectors, and rewards with gaps; each LLM and prompt has one."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((prompts, width)).astype(np.float32)
    rewards = rng.standard_normal((prompts, llms))
    gaps = rng.random(rewards.shape) < missing
    gaps[np.arange(prompts), rng.integers(llms, size=prompts)] = False
    return vectors, np.where(gaps, np.nan, rewards), rng.standard_normal((5, width)).astype("f4")


seeds = st.integers(0, 10**6)


@settings(max_examples=10, deadline=None)
@given(seeds, st.integers(1, 8), st.booleans())
def test_knn_is_the_mean_of_the_nearest(seed, k, weighted):
    vectors, rewards, new = table(seed)
    weights = "distance" if weighted else "uniform"
    found = learned("knn", vectors, rewards, neighbours=k, weights=weights).predict(new)
    for row, x in enumerate(new.astype(np.float64)):
        cosine = vectors @ x / np.linalg.norm(vectors, axis=1) / np.linalg.norm(x)
        for llm in range(rewards.shape[1]):
            known = np.flatnonzero(~np.isnan(rewards[:, llm]))
            near = known[np.argsort(-cosine[known])[:k]]
            weight = 1 / (1 - cosine[near]) if weighted else np.ones(len(near))
            wanted = np.average(rewards[near, llm], weights=weight)
            assert found[row, llm] == pytest.approx(wanted, rel=1e-3, abs=1e-3)


@settings(max_examples=10, deadline=None)
@given(seeds, st.sampled_from([0.1, 1.0, 30.0]))
def test_ridge_solves_the_normal_equations(seed, alpha):
    vectors, rewards, new = table(seed)
    found = learned("linear", vectors, rewards, alpha=alpha).predict(new)
    for llm in range(rewards.shape[1]):
        known = ~np.isnan(rewards[:, llm])
        x, y = vectors[known].astype(np.float64), rewards[known, llm]
        centred = x - x.mean(axis=0)
        weights = np.linalg.solve(
            centred.T @ centred + alpha * np.eye(x.shape[1]), centred.T @ (y - y.mean())
        )
        wanted = (new - x.mean(axis=0)) @ weights + y.mean()
        np.testing.assert_allclose(found[:, llm], wanted, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(seeds, st.floats(0, 10))
def test_a_clusters_mean_is_shrunk_towards_the_overall_one(seed, shrinkage):
    _, rewards, _ = table(seed, prompts=20)
    vectors = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)
    router = learned("cluster", vectors, rewards, clusters=4, shrinkage=shrinkage)
    found = router.predict(np.eye(4, dtype=np.float32))
    for cluster in range(4):
        own = rewards[5 * cluster : 5 * cluster + 5]
        n = (~np.isnan(own)).sum(axis=0)
        overall = np.nanmean(rewards, axis=0)
        wanted = (np.nansum(own, axis=0) + shrinkage * overall) / np.maximum(n + shrinkage, 1e-9)
        np.testing.assert_allclose(found[cluster], np.where(n > 0, wanted, overall))


def test_more_clusters_than_prompts_are_as_many_as_prompts():
    vectors, rewards, new = table(0, prompts=6)
    router = learned("cluster", vectors, rewards, clusters=50)
    assert router.chosen == {"clusters": 6}
    assert np.isfinite(router.predict(new)).all()


@settings(max_examples=8, deadline=None)
@given(seeds, st.sampled_from([1.5, 10.0, 1e4]))
def test_strengths_make_the_weighted_comparisons_most_likely(seed, gamma):
    """The gradient of the likelihood, written out comparison by comparison, is 0 there."""
    vectors, rewards, new = table(seed, prompts=12)
    router = learned("similarity", vectors, rewards, gamma=gamma, prior=0.1)
    found = router.predict(new) / router._slope
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for x, theta in zip(new, found, strict=True):
        cosine = unit @ x / np.linalg.norm(x)
        # Where all training prompts lie on the other side, all count alike.
        likeness = cosine / cosine.max() if cosine.max() > 0 else np.ones(len(cosine))
        gradient = -0.1 * theta
        for like, own in zip(likeness, rewards, strict=True):
            for i, j in np.argwhere(own[:, None] > own[None, :]):
                step = gamma ** (like - 1) / (1 + np.exp(theta[i] - theta[j]))
                gradient[i] += step
                gradient[j] -= step
        np.testing.assert_allclose(gradient, 0, atol=1e-3)


def test_without_likeness_the_strengths_are_those_of_all_comparisons():
    _, rewards, _ = table(3, missing=0.0)
    vectors = np.ones((len(rewards), 2), np.float32)
    router = learned("similarity", vectors, rewards, gamma=10.0, prior=0.1 * len(rewards))
    wins = (rewards[:, :, None] > rewards[:, None, :]).mean(axis=0)
    odds = np.log(wins / np.where(wins > 0, 1 - wins, 1), where=wins > 0, out=np.zeros_like(wins))
    wanted = bradley_terry(odds[None], np.ones((1, 3), bool), prior=0.1)
    found = router.predict(vectors[:1]) / router._slope
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_preference_loss_pair_by_pair(seed):
    import torch

    _, rewards, _ = table(seed, prompts=5)
    scores = np.random.default_rng(seed).standard_normal(rewards.shape)
    losses = [
        np.log1p(np.exp(s[j] - s[i]))
        for s, own in zip(scores, rewards, strict=True)
        for i, j in np.argwhere(own[:, None] > own[None, :])
    ]
    found = preference_loss(torch.tensor(scores), torch.tensor(rewards))
    assert float(found) == pytest.approx(np.mean(losses) if losses else 0.0)


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0.01, 100))
def test_the_slope_undoes_a_scale_whatever_is_added_to_a_prompt(seed, scale):
    _, rewards, _ = table(seed)
    added = np.random.default_rng(seed).standard_normal((len(rewards), 1))
    filled = np.where(np.isnan(rewards), 99.0, rewards)
    assert reward_slope(filled / scale + added, rewards) == pytest.approx(scale)


def test_the_slope_keeps_the_order_where_utilities_mislead():
    rewards = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert 0 < reward_slope(-rewards, rewards) <= 0.01
    assert reward_slope(np.ones((2, 2)), rewards) == 1.0
    assert reward_slope(rewards, np.ones((2, 2))) == 1.0


def test_llms_are_grouped_by_where_they_are_known():
    rewards = np.array([[1.0, np.nan, 2.0], [3.0, 1.0, 4.0]])
    groups = [(rows.tolist(), llms.tolist()) for rows, llms in known_together(rewards)]
    assert sorted(groups) == [([0, 1], [0, 2]), ([1], [1])]


def test_the_first_of_the_best_settings_is_taken():
    rewards = np.array([[0.0, 1.0]])
    utilities = {1: [[1.0, 0.0]], 2: [[0.0, 1.0]], 3: [[0.0, 2.0]]}
    chosen = best_setting([1, 2, 3], str, lambda s: np.array(utilities[int(s)]), rewards)
    assert chosen == (2, "2")


@pytest.mark.parametrize("given", [0, -1.5, [], [1, 0], float("nan"), [float("inf")]])
def test_options_that_are_not_positive_are_told(given):
    with pytest.raises(BadValue, match="alpha"):
        several("alpha", given)
