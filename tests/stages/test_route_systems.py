import numpy as np
import pytest
from fused_pool import qualities, ranked_store
from hand_routes import OTHER, PARAMETERS, ROUTER, route, size
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_pipeline import copied, execute

from workbench.evaluation.baselines import best_single
from workbench.stages.route_names import RouteSystem
from workbench.stages.route_systems import cheapest_scores, load_routing, load_utilities
from workbench.stages.router_rows import router_figures
from workbench.stages.systems import gather
from workbench.store.pool import load_pool, load_quality
from workbench.store.store import Store

THRESHOLD = RouteSystem(ROUTER, "threshold(strong=a, weak=b, share=0.5)")
CONFIG = {"resamples": 20, "seed": 0, "min_category": 5, "against": None}


def drawn(seed, rows):
    return np.random.default_rng(seed).random((rows, 4))


@pytest.fixture(scope="module")
def ranked(tmp_path_factory, empty_tracking):
    folder = copied(empty_tracking, tmp_path_factory.mktemp("ranked") / "pool")
    file = ranked_store(folder / "store.duckdb")
    size(file)
    for seed, (split, rows) in enumerate({"test": 14, "validation": 6}.items()):
        route(file, qualities(file, split=split)[0], drawn(seed, rows))
    return folder


def routing_of(file, *systems, unit="parameters"):
    store = Store(file)
    pool = load_pool(store, ["hand"], "test")
    return pool, load_routing(store, "hand", pool, systems, unit)


def test_a_threshold_sees_validation_alone(ranked, fresh):
    store = fresh(ranked)
    prompts = qualities(store)[0]
    before = routing_of(store, THRESHOLD)[1].scores[THRESHOLD.name]
    poisoned = drawn(0, 14)
    poisoned[7:, 0] += 1e6
    route(store, prompts, poisoned)
    after = routing_of(store, THRESHOLD)[1].scores[THRESHOLD.name]
    np.testing.assert_array_equal(after[:7], before[:7])
    assert (after[7:].argmax(axis=1) == 0).all()
    held_out = drawn(1, 6)
    held_out[:, 0] += 1e6
    route(store, qualities(store, split="validation")[0], held_out)
    strict = routing_of(store, THRESHOLD)[1].scores[THRESHOLD.name]
    assert (strict[:7].argmax(axis=1) == 1).all()


def test_an_llm_whose_cost_is_not_known_is_not_asked_by_a_policy_that_reads_costs(
    ranked, fresh, capsys
):
    store = fresh(ranked)
    execute(store, "update llms set parameters_b = null where llm = 'd'")
    policies = [RouteSystem(ROUTER, text) for text in ("argmax", "cost_aware(lambda=0.5)")]
    _, routing = routing_of(store, *policies)
    assert "never asks d" in capsys.readouterr().err
    free, aware = (routing.scores[policy.name] for policy in policies)
    np.testing.assert_array_equal(free, drawn(0, 14))
    assert np.isneginf(aware[:, 3]).all()
    np.testing.assert_allclose(aware[:, :3], drawn(0, 14)[:, :3] - 0.5 * np.array([4.0, 1, 2]))
    np.testing.assert_array_equal(np.isnan(routing.usual), [False, False, False, True])


def test_utilities_of_llms_that_are_not_there(ranked):
    store = Store(ranked / "store.duckdb")
    pool = load_pool(store, ["hand"], "test", ["a", "c"])
    np.testing.assert_array_equal(load_utilities(store, pool, ROUTER), drawn(0, 14)[:, [0, 2]])
    wide = load_utilities(store, pool, ROUTER, ["zz", "c", "b"])
    assert np.isneginf(wide[:, [0, 2]]).all()
    np.testing.assert_array_equal(wide[:, 1], drawn(0, 14)[:, 2])
    assert np.isneginf(load_utilities(store, pool, OTHER)).all()


def test_shares_of_one_are_known_as_such(ranked, fresh):
    store = fresh(ranked)
    shares = drawn(3, 14)
    route(store, qualities(store)[0], shares / shares.sum(axis=1, keepdims=True), OTHER)
    systems = [RouteSystem(router, "argmax") for router in (ROUTER, OTHER)]
    assert routing_of(store, *systems)[1].shares == {OTHER}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, np.nan]), min_size=4, max_size=4))
def test_the_cheapest_llm_is_one_llm_and_of_equals_the_better_one(ranked, usual):
    store = Store(ranked / "store.duckdb")
    pool = load_pool(store, ["hand"], "validation")
    quality, _ = best_single(load_quality(store, pool, "m"), pool.llm, pool.mask, 4)
    costs = np.array(usual)
    scores = cheapest_scores(costs, quality, pool)
    known = costs[np.isfinite(costs)]
    if len(set(known)) < 2:
        assert scores is None
        return
    least = np.flatnonzero(costs == known.min())
    assert (scores.argmax(axis=1) == least[quality[least].argmax()]).all()
    assert ((scores == scores.max(axis=1, keepdims=True)).sum(axis=1) == 1).all()


def test_of_two_llms_the_one_that_is_best_on_validation_is_the_strong_one(ranked, fresh):
    store = fresh(ranked)
    execute(store, "delete from candidates where llm in ('c', 'd')")
    _, quality = qualities(store)
    execute(store, "update qualities set value = value + 1 where candidate_id in "
                   "(select candidate_id from candidates where llm = 'a')")  # fmt: skip
    argmax = RouteSystem(ROUTER, "argmax")
    systems = gather(Store(store), "hand", "test", "m", [], (), [argmax], "parameters")
    figures = router_figures(systems, CONFIG)
    strong, weak = quality[:, 0] + 1, quality[:, 1]
    given_to = drawn(0, 14)[:, :2].argmax(axis=1)
    picked = np.where(given_to == 0, strong, weak)
    assert figures[argmax.name]["pgr[a>b]"].value == pytest.approx(
        (picked - weak).sum() / (strong - weak).sum()
    )
    order = np.argsort(drawn(0, 14)[:, 1] - drawn(0, 14)[:, 0])
    curve = np.r_[0, (strong - weak)[order].cumsum()] / (strong - weak).sum()
    apgr = (curve[1:] + curve[:-1]).mean() / 2
    assert figures[f"router:{ROUTER}"]["apgr[a>b]"].value == pytest.approx(apgr)


def test_costs_are_told_without_any_route(ranked):
    systems = gather(Store(ranked / "store.duckdb"), "hand", "test", "m", [], (), (), "parameters")
    figures = router_figures(systems, CONFIG)
    assert "ZeroRouter" in figures
    cheapest = min(PARAMETERS, key=PARAMETERS.__getitem__)
    assert figures[f"llm:{cheapest}"]["on_hull"].value == 1
    assert not any(name.startswith("router:") for name in figures)
