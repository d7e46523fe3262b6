import numpy as np
import pytest
from fused_pool import RANKER, SCHEME, fuse, qualities, ranked_store
from hand_routes import OTHER, PARAMETERS, ROUTER, route, size, told, values_of
from processes import workbench
from scipy.special import softmax
from store_contract import breaches
from tiny_pipeline import content, copied, execute, rows, runs

from workbench.stages.evaluate import evaluate
from workbench.stages.route_names import RouteSystem, router_system
from workbench.store.labels import set_label
from workbench.store.store import Store

FEW = {"resamples": 50, "splits": ["test"], "measures": ["m"], "min_category": 5}
THRESHOLD = "threshold(strong=a, weak=b, share=0.5)"
COST = np.array([PARAMETERS[llm] for llm in "abcd"])
EVERY = np.arange(14)
A, B, C, D = range(4)


def system(policy="argmax", router=ROUTER):
    return RouteSystem(router, policy).name


def utilities(split="test", seed=1):
    n = 14 if split == "test" else 6
    return np.random.default_rng(seed).random((n, 4))


@pytest.fixture(scope="module")
def ranked(tmp_path_factory, empty_tracking):
    folder = copied(empty_tracking, tmp_path_factory.mktemp("ranked") / "pool")
    size(ranked_store(folder / "store.duckdb"))
    return folder


@pytest.fixture(scope="module")
def routed(ranked, tmp_path_factory):
    """A router on test and validation, evaluated by three policies. Read only."""
    folder = copied(ranked, tmp_path_factory.mktemp("routed") / "pool")
    store = folder / "store.duckdb"
    for split in ("test", "validation"):
        prompts, _ = qualities(store, split=split)
        route(store, prompts, utilities(split))
    set_label(Store(store), ROUTER, "ZOOTER")
    evaluate(store, **FEW, policies=["argmax", "cost_aware(lambda=0.2)", THRESHOLD])
    return folder


def chosen_figures(quality, choice):
    """Of choices [Q] among the four LLMs, naively."""
    picked = quality[EVERY, choice]
    shares = np.bincount(choice, minlength=4) / len(choice)
    known = shares[shares > 0]
    oracle = quality.max(axis=1)
    return {
        "quality": picked.mean(),
        "vs_best_single": (picked - quality[:, A]).mean(),
        "gap_closed": (picked - quality[:, A]).sum() / (oracle - quality[:, A]).sum(),
        "cost[parameters]": COST[choice].mean(),
        "cost_known": 1,
        "accuracy": (choice == quality.argmax(axis=1)).mean(),
        "entropy": -(known * np.log2(known)).sum(),
    }


def test_routes_have_the_figures_of_their_choices(routed):
    store = routed / "store.duckdb"
    _, quality = qualities(store)
    given = utilities()
    gap = np.sort((lambda u: u[:, A] - u[:, B])(utilities("validation")))
    threshold = (gap[2] + gap[3]) / 2  # of six prompts of validation three are above it
    for policy, choice in {
        "argmax": given.argmax(axis=1),
        "cost_aware(lambda=0.2)": (given - 0.2 * COST).argmax(axis=1),
        THRESHOLD: np.where(given[:, A] - given[:, B] > threshold, A, B),
    }.items():
        found = values_of(store, system(policy))
        for figure, value in chosen_figures(quality, choice).items():
            assert found[figure] == pytest.approx(value), (policy, figure)
        share = dict(
            rows(store, "select system, value from results where measure = ?",
                 f"picked_share:{system(policy)}")
        )  # fmt: skip
        assert share["llm:a"] == pytest.approx((choice == A).mean())
    assert breaches(store) == []


def test_the_lines_beside_routes_have_costs_too(routed):
    store = routed / "store.duckdb"
    _, quality = qualities(store)
    cost = {name: values_of(store, name)["cost[parameters]"] for name in (
        "Oracle", "BestSingle", "Cheapest", "Random", "llm:c", f"{RANKER}/{SCHEME}",
    )}  # fmt: skip
    assert cost == pytest.approx({
        "Oracle": COST[quality.argmax(axis=1)].mean(), "BestSingle": 4, "Cheapest": 1,
        "Random": 2.5, "llm:c": 2, f"{RANKER}/{SCHEME}": 1,
    })  # fmt: skip
    assert values_of(store, "Cheapest")["quality"] == pytest.approx(quality[:, B].mean())
    assert values_of(store, "BestSingle")["entropy"] == 0
    assert "arena" not in values_of(store, system())  # its costs are in USD


def test_routers_are_told_over_categories_costs_and_pairs(routed):
    store = routed / "store.duckdb"
    prompts, quality = qualities(store)
    of = dict(rows(store, "select prompt_id, category from prompts"))
    x = np.array([of[prompt] == "x" for prompt in prompts])
    best = utilities().argmax(axis=1)
    found = values_of(store, system())
    assert found["uplift"] == float(quality[EVERY, best][x].mean() > quality[x, A].mean())
    ranks = rows(store, "select system, value from results where measure = 'mtr:m'")
    names = [name for name, _ in ranks]
    assert len(names) == 9
    assert {"BestSingle", f"{RANKER}/{SCHEME}", "llm:a", system(THRESHOLD)} <= set(names)
    assert {"Oracle", "Random"}.isdisjoint(names)
    alone = values_of(store, router_system(ROUTER))
    assert {"aiq", "vs_zero_router", "vs_zero_router_p", "calibration_error"} <= set(alone)
    lift = alone["aiq"] - values_of(store, "ZeroRouter")["aiq"]
    assert alone["vs_zero_router"] == pytest.approx(lift)
    assert values_of(store, "Random")["apgr[a>b]"] == pytest.approx(0.5)
    assert values_of(store, "Oracle")["apgr[a>b]"] >= alone["apgr[a>b]"]
    assert alone["pgr@0.00[a>b]"] == 0
    assert alone["pgr@1.00[a>b]"] == pytest.approx(1)
    assert "pgr[a>b]" in values_of(store, system(THRESHOLD))
    assert told(store, system(), part="category=x")["cost[parameters]"][3] == x.sum()
    bins = values_of(store, "quality[m]")  # the only measure is its own reward
    assert bins["reward_entropy@1"] < bins["reward_entropy@2"]


def test_the_scores_of_a_ranking_are_rewards_too(routed):
    """The ranker's are the same on every prompt: one bin, in which LLM b is preferred."""
    store = routed / "store.duckdb"
    sql = "select distinct llm, score from rankings join candidates using (candidate_id)"
    scores = np.array([score for _, score in sorted(rows(store, sql))])
    shares = softmax(scores / scores.std())
    found = values_of(store, f"{RANKER}/{SCHEME}")
    assert found["reward_entropy@1"] == pytest.approx(-(shares * np.log2(shares)).sum())
    assert found["preferred_quality@1"] == pytest.approx(qualities(store)[1][:, B].mean())
    assert "reward_entropy@2" not in found


def test_plots_are_logged(routed):
    from workbench.tracking import Tracker

    store = routed / "store.duckdb"
    [run] = runs(store, "evaluate")
    files = {file.name for file in Tracker(store).artifact(run.info.run_id, "plots").iterdir()}
    wanted = {"cost_quality-hand_test_m", "routed_share-hand_test_m", "reward_entropy-hand_test_m",
              "strong_weak-hand_test_m_a_b"}  # fmt: skip
    assert {f"{name}.png" for name in wanted} <= files


def test_routes_are_part_of_what_a_run_is(routed, ranked, fresh):
    store = fresh(routed)
    policies = ["argmax", "cost_aware(lambda=0.2)", THRESHOLD]
    before = content(store, "results")
    assert not evaluate(store, **FEW, policies=[f" {p} " for p in reversed(policies)]).new
    assert content(store, "results") == before
    execute(store, "update llms set parameters_b = 9 where llm = 'd'")
    assert evaluate(store, **FEW, policies=policies).new
    execute(store, "update routes set utility = utility / 2")
    assert evaluate(store, **FEW, policies=policies).new


def test_without_routes_an_evaluation_is_the_one_it_was(ranked, fresh):
    """Routes of another split, or left out on purpose, change nothing."""
    store = fresh(ranked)
    first = evaluate(store, **FEW)
    [run] = runs(store, "evaluate")
    assert not {"routes", "cost"} & set(run.data.params)
    assert not any(figure.startswith("cost") for figure in values_of(store, "Random"))
    assert values_of(store, "Cheapest") == {}
    prompts, _ = qualities(store, split="validation")
    route(store, prompts, utilities("validation"))
    assert not evaluate(store, **FEW).new
    prompts, _ = qualities(store)
    route(store, prompts, utilities())
    out = evaluate(store, **FEW, router="none")
    assert not out.new
    assert sorted(out.rows) == sorted(first.rows)
    assert evaluate(store, **FEW).new


def test_only_prompts_that_all_hold_are_compared(ranked, fresh, capsys):
    store = fresh(ranked)
    prompts, quality = qualities(store)
    route(store, prompts[:9], utilities()[:9])
    route(store, prompts, utilities(), OTHER)
    fuse(store, prompts[3:], quality[3:, B], 1)
    evaluate(store, **FEW)
    said = capsys.readouterr().err
    assert "6 of 14 measured prompts are ranked, routed and fused by all" in said
    assert "e5e5e5e5/argmax lacks 5" in said
    assert "--router none" in said
    kept = slice(3, 9)
    assert values_of(store, "Random")["quality"] == pytest.approx(quality[kept].mean())
    picked = quality[EVERY, utilities().argmax(axis=1)][kept].mean()
    assert values_of(store, system(router=OTHER))["quality"] == pytest.approx(picked)


def test_an_llm_that_a_router_has_not_met_is_never_chosen(ranked, fresh):
    """Nor one without an answer: the choice is the best of those that can be asked."""
    store = fresh(ranked)
    prompts, quality = qualities(store)
    given = utilities()[:, :3] - 5.0
    route(store, prompts, given, llms="abc")
    execute(
        store,
        "delete from candidates where llm = 'c' and prompt_id in (select unnest(?))",
        prompts[:7],
    )
    given[:7, C] = -np.inf
    evaluate(store, **FEW, policies=["argmax", "cost_aware(lambda=1)"])
    for policy, choice in {
        "argmax": given.argmax(axis=1),
        "cost_aware(lambda=1.0)": (given - COST[:3]).argmax(axis=1),
    }.items():
        found = values_of(store, system(policy))
        assert found["quality"] == pytest.approx(quality[EVERY, choice].mean())
        assert found["cost[parameters]"] == pytest.approx(COST[choice].mean())
    # LLM c does not answer everything: it is not ranked over categories, nor on the hull.
    ranked_names = [s for (s,) in rows(store, "select system from results where measure = 'mtr:m'")]
    assert "llm:c" not in ranked_names
    assert "llm:d" in ranked_names


def test_the_command_line_tells_of_routes(routed, fresh):
    store = fresh(routed)
    options = ["--splits", "[test]", "--measures", "[m]", "--resamples", 50, "--cost", "usd"]
    execute(store, "update candidates set usd = 0.001")
    policies = ["--policies", f'[argmax, "{THRESHOLD}"]']
    done = workbench("evaluate", "--store", store, *options, *policies)
    out, err = done.communicate()
    assert done.returncode == 0, err
    assert f"router ZOOTER: {ROUTER}" in out
    assert "Routing, by m on hand, test" in out
    assert "ZOOTER/threshold(share=0.5)" in out.replace("\n", "")
    assert "a and b, by m on hand, test" in out
    assert "mean USD" in out
    wrong = workbench("evaluate", "--store", store, "--router", "zzz")
    assert "unknown router with routes 'zzz'" in wrong.communicate()[1]
    assert wrong.returncode == 2
