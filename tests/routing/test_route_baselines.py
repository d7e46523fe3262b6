"""Routers that do not read the prompt."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from router_kinds import BASELINES, made
from two_kinds import LLMS, NEW, fitted, world

from workbench.errors import BadValue, UnknownName
from workbench.routing.baselines import BestSingleRouter, CheapestRouter, RandomRouter
from workbench.routing.loading import load_router


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return world(tmp_path_factory.mktemp("store"), prompts=40)


@pytest.mark.parametrize("kind", BASELINES)
def test_saved_and_loaded_they_are_the_same(store, tmp_path, kind):
    router, figures = fitted(made(kind), store)
    router.save_pretrained(tmp_path)
    again, told = load_router(tmp_path), []
    assert type(again) is type(router)
    assert (again.utilities(NEW, progress=told.append) == router.utilities(NEW)).all()
    assert sum(told) == len(NEW)
    assert again.utilities([]).shape == (0, 3)
    assert np.isfinite(list(figures.values())).all()


def test_best_single_is_the_llm_of_the_highest_mean(store):
    router, figures = fitted(BestSingleRouter(), store)
    chosen = router.utilities(NEW).argmax(axis=1)
    assert [LLMS[i] for i in chosen] == ["steady"] * len(NEW)
    assert figures["validation/quality"] == pytest.approx(figures["validation/best_single"])


def test_an_llm_that_met_the_easy_prompts_alone_is_not_the_best():
    rewards = np.array([[9.0, 5.0, 1.0]] + [[np.nan, 5.0, 1.0]] * 5)
    assert BestSingleRouter().constants(rewards).tolist() == [1.0, 5.0, 1.0]


def test_the_cheapest_is_chosen_by_order_or_by_cost(store):
    by_order, _ = fitted(CheapestRouter(cheapest=["poet", "counter", "steady"]), store)
    costs = {"poet": 0.1, "steady": 3.0, "counter": 0.5, "not here": 0.0}
    by_cost, _ = fitted(CheapestRouter(costs=costs), store)
    assert by_order.utilities(NEW[:1]).tolist() == [[-1.0, 0.0, -2.0]]
    assert by_cost.utilities(NEW[:1]).tolist() == [[-0.5, -0.1, -3.0]]


def test_costs_that_lack_or_cannot_be_are_told_before_any_work(store):
    with pytest.raises(UnknownName, match="steady"):
        fitted(CheapestRouter(cheapest=["poet", "counter"]), store)
    with pytest.raises(BadValue, match="one of them"):
        CheapestRouter()
    with pytest.raises(BadValue, match="one of them"):
        CheapestRouter(cheapest=["a"], costs={"a": 1.0})
    with pytest.raises(BadValue, match=r"costs\[a\]"):
        CheapestRouter(costs={"a": -1.0})


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5)), st.integers(0, 99))
def test_chance_depends_on_prompt_llm_and_seed_alone(texts, seed):
    router, other = RandomRouter(llms=LLMS, seed=seed), RandomRouter(llms=LLMS[::-1], seed=seed)
    router.learned = other.learned = True
    found = router.utilities(texts)
    assert (found == other.utilities(texts)[:, ::-1]).all()
    assert (found[::-1] == router.utilities(texts[::-1])).all()
    assert ((found >= 0) & (found < 1)).all()


def test_chance_is_fair_and_another_seed_draws_others():
    texts = [f"prompt {n}" for n in range(3000)]
    chosen = []
    for seed in (0, 1):
        router = RandomRouter(llms=LLMS, seed=seed)
        router.learned = True
        chosen.append(router.utilities(texts).argmax(axis=1))
        share = np.bincount(chosen[-1], minlength=3) / len(texts)
        assert np.abs(share - 1 / 3).max() < 0.04
    assert abs((chosen[0] == chosen[1]).mean() - 1 / 3) < 0.04
