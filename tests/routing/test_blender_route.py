"""Blender.route: whom to ask, from Python."""

import numpy as np
import pytest
from tiny_routing import LLMS, PROMPTS, built

from workbench import Blender
from workbench.errors import BadModel, BadValue, MissingInput, UnknownName
from workbench.routing.knn import KNNRouter
from workbench.routing.regression import RegressionRouter
from workbench.routing.tfidf import TfidfVectors
from workbench.routing.zooter import ZOOTER


@pytest.fixture(scope="module")
def router():
    return built(RegressionRouter)


@pytest.fixture(scope="module")
def blender(router):
    return Blender(router=router)


def test_the_llm_of_the_highest_utility_is_asked(blender, router):
    utilities = router.utilities(PROMPTS)
    assert blender.route(PROMPTS) == [[LLMS[i]] for i in utilities.argmax(axis=1)]
    np.testing.assert_allclose(blender.utilities(PROMPTS), utilities, atol=1e-6)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_several_are_asked_the_best_first(blender, router, m):
    order = np.argsort(-router.utilities(PROMPTS), axis=1)[:, :m]
    assert blender.route(PROMPTS, m=m) == [[LLMS[i] for i in row] for row in order]


def test_instructions_stand_before_the_inputs(blender):
    both = blender.utilities(["of the winter"], ["tell a tale"])
    np.testing.assert_allclose(both, blender.utilities(["tell a tale\nof the winter"]), atol=1e-6)


def test_a_call_that_costs_much_is_not_made(blender):
    costs = {LLMS[0]: 1e6, LLMS[1]: 1e6, LLMS[2]: 0.0}
    asked = blender.route(PROMPTS, policy="cost_aware(lambda=1)", costs=costs)
    assert asked == [[LLMS[2]]] * len(PROMPTS)


def test_a_saved_router_is_loaded_by_its_directory(router, tmp_path):
    router.save_pretrained(tmp_path / "saved")
    loaded = Blender(router=tmp_path / "saved")
    assert isinstance(loaded.router, RegressionRouter)
    assert loaded.route(PROMPTS, m=3) == Blender(router=router).route(PROMPTS, m=3)


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"m": 0}, BadValue, "1 to 3"),
        ({"m": 4}, BadValue, "1 to 3"),
        ({"m": 1.5}, BadValue, "1 to 3"),
        ({"policy": "argmin"}, UnknownName, "argmax"),
        ({"policy": "abstain(default=nobody, margin=0.1)"}, UnknownName, "nobody"),
        ({"policy": "cost_aware(lambda=1)", "costs": {"nobody": 1.0}}, BadValue, "nobody"),
        ({"policy": "cost_aware(lambda=1)", "costs": {LLMS[0]: 1.0}}, BadValue, LLMS[1]),
        ({"policy": "cost_aware(lambda=1)"}, BadValue, "costs = None"),
        (
            {"policy": f"threshold(strong={LLMS[0]}, weak={LLMS[1]}, share=0.3)"},
            BadValue,
            "a threshold",
        ),
        ({"instructions": ["one"]}, BadValue, "number of instructions"),
    ],
)
def test_what_cannot_be_is_told(blender, options, error, told):
    with pytest.raises(error, match=told):
        blender.route(PROMPTS, **options)


@pytest.mark.parametrize(
    "policy",
    ["cost_aware(lambda=1)", f"threshold(strong={LLMS[0]}, weak={LLMS[1]}, share=0.3)"],
)
def test_what_a_policy_lacks_is_told_before_the_router_reads(router, monkeypatch, policy):
    def reads(*prompts, **options):
        pytest.fail("the router has read prompts")

    blender = Blender(router=router)
    monkeypatch.setattr(router, "utilities", reads)
    with pytest.raises(BadValue):
        blender.route(PROMPTS, policy=policy)


def test_a_router_is_needed_and_has_to_be_trained():
    with pytest.raises(MissingInput, match="no router is loaded"):
        Blender().route(PROMPTS)
    for fresh in (ZOOTER("nowhere"), KNNRouter(TfidfVectors())):
        with pytest.raises(BadModel, match="not trained"):
            Blender(router=fresh)
    with pytest.raises(BadValue, match="router"):
        Blender(router=3)
