"""Chain: trials are what the store's rows say of a chain; the front, its look at test, costs."""

import csv
import json

import numpy as np
import optuna
import pytest
from routed_pool import NOISY, ORACLE, write_routes
from store_contract import breaches
from tiny_pipeline import MEASURE, copied, execute, one, rows, runs

from workbench.cli import main
from workbench.errors import AmbiguousName, BadValue, MissingInput, UnknownName
from workbench.stages.forget import forget
from workbench.sweeps.chain import chain
from workbench.sweeps.chain_names import ALL, chain_choice
from workbench.tracking import Tracker

TOLD = """
    select p.prompt_id, c.llm, q.value, c.tokens_out, r.utility
    from prompts p join candidates c using (prompt_id) join qualities q using (candidate_id)
    join routes r on r.prompt_id = p.prompt_id and r.llm = c.llm and r.router = ?
    where q.measure = ? and p.split = ? order by all
"""
PLAIN = {"schemes": ["max_logits", "bubble", "bradley_terry"], "m": [1, 2, 4]}


def arrays(store, router, split="validation"):
    """Quality, tokens and utilities [Q, L] of a split."""
    found = rows(store, TOLD, router, MEASURE, split)
    prompts = len({row[0] for row in found})
    return [np.array([row[n] for row in found], float).reshape(prompts, -1) for n in (2, 3, 4)]


def trials_of(done):
    study = optuna.load_study(study_name=done.study, storage=done.storage)
    return [(chain_choice(t.user_attrs["setting"]["chain"]), t) for t in study.trials]


@pytest.fixture(scope="module")
def routed(compared_pool, tmp_path_factory):
    """A store with routes. Read only."""
    pool = copied(compared_pool, tmp_path_factory.mktemp("routed") / "pool")
    return write_routes(pool / "store.duckdb")


@pytest.fixture(scope="module")
def searched(routed, tmp_path_factory):
    """The store after a study of 25 trials in tokens, and what was answered. Read only."""
    store = copied(routed.parent, tmp_path_factory.mktemp("searched") / "pool") / "store.duckdb"
    return store, chain(store, cost="tokens", comparison_cost=0.5, trials=25, **PLAIN)


def test_a_router_alone_and_all_ranked_are_among_the_trials(searched):
    store, done = searched
    alone = {c.router: t for c, t in trials_of(done) if c.m == 1 and c.policy == "argmax"}
    for router in (ORACLE, NOISY):
        quality, tokens, utility = arrays(store, router)
        at = np.arange(len(quality)), utility.argmax(axis=1)
        assert alone[router].values == pytest.approx([quality[at].mean(), tokens[at].mean()])
    assert alone[ORACLE].values[0] == pytest.approx(quality.max(axis=1).mean())
    best = quality.mean(axis=0).argmax()
    assert alone[f"BestSingle[{MEASURE}]"].values == pytest.approx(
        [quality[:, best].mean(), tokens[:, best].mean()]
    )
    [every] = [t for c, t in trials_of(done) if c.router == ALL and c.scheme.startswith("max_log")
               and t.number < 6]  # fmt: skip
    n = quality.shape[1]
    assert every.values[1] == pytest.approx(tokens.sum(axis=1).mean() + 0.5 * n * (n - 1))
    picked = rows(
        store,
        "select avg(q.value) from rankings r join prompts p using (prompt_id) "
        "join qualities q using (candidate_id) where r.rank = 1 and p.split = 'validation' "
        "and q.measure = ? and r.scheme like 'max_logits%' group by p.prompt_id",
        MEASURE,
    )
    assert every.values[0] == pytest.approx(np.mean([value for (value,) in picked]))


def test_costs_are_told_apart_and_sum_up(searched):
    _, done = searched
    for choice, trial in trials_of(done):
        told = trial.user_attrs["setting"]
        assert told["cost"] == pytest.approx(told["llm_cost"] + told["comparison_cost"])
        assert told["comparison_cost"] == pytest.approx(0.5 * told["comparisons"])
        assert told["llm_calls"] == (choice.m or 12)
        assert (told["comparisons"] == 0) == (choice.m == 1)
    assert len({c for c, _ in trials_of(done)}) > 20  # hardly one is tried twice
    assert {c.m for c, _ in trials_of(done)} == {0, 1, 2, 4}


def test_the_front_holds_what_no_other_trial_beats(searched):
    _, done = searched
    values = [tuple(t.values) for _, t in trials_of(done)]
    best = {
        (q, c) for q, c in values
        if not any(qq >= q and cc <= c and (qq, cc) != (q, c) for qq, cc in values)
    }  # fmt: skip
    told = np.array([(s.tuned.quality.value, s.tuned.cost.value) for s in done.settings])
    assert len(best) <= 15
    assert told == pytest.approx(np.array(sorted(best, reverse=True)))


def test_what_stands_beside(searched):
    store, done = searched
    quality, tokens, _ = arrays(store, ORACLE)
    beside = done.beside.systems
    assert beside["Oracle"].quality.value == pytest.approx(quality.max(axis=1).mean())
    assert beside["Random"].quality.value == pytest.approx(quality.mean())
    assert beside["Random"].cost.value == pytest.approx(tokens.mean())
    assert beside["BestSingle"].vs_best_single.estimate.value == 0
    assert "route only: OracleRouter" in beside
    assert "rank all" in beside
    singles = [name for name in beside if name.startswith("llm:")]
    assert len(singles) == 12
    qualities = [beside[name].quality.value for name in singles]
    assert (
        qualities
        == sorted(qualities, reverse=True)
        == pytest.approx(sorted(quality.mean(axis=0), reverse=True))
    )
    best = done.settings[0].tuned
    difference = best.quality.value - beside["BestSingle"].quality.value
    assert best.vs_best_single.estimate.value == pytest.approx(difference)


def test_the_front_alone_is_looked_at_on_test(searched):
    store, done = searched
    stored = rows(store, "select system, measure, value, low, high, n, split from results")
    assert {row[0] for row in stored} == {s.name for s in done.settings}
    assert {row[6] for row in stored} == {"test"}
    by_name = {row[:2]: row[2:6] for row in stored}
    for s in done.settings:
        e, cost = s.test.quality, s.test.cost
        assert by_name[s.name, f"quality:{MEASURE}"] == (e.value, e.low, e.high, e.n)
        assert by_name[s.name, "cost:tokens"][0] == cost.value
        assert by_name[s.name, f"vs_best_single:{MEASURE}"][3] == e.n
    quality, tokens, utility = arrays(store, ORACLE, "test")
    [alone] = [s for s in done.settings if s.choice[:3] == (ORACLE, "argmax", 1)]
    at = np.arange(len(quality)), utility.argmax(axis=1)
    assert alone.test.quality.value == pytest.approx(quality[at].mean())
    assert alone.test.cost.value == pytest.approx(tokens[at].mean())
    # BestSingle is the LLM that is best on validation, not the one that is best on test.
    best = arrays(store, ORACLE)[0].mean(axis=0).argmax()
    assert done.tested.systems["BestSingle"].quality.value == pytest.approx(quality[:, best].mean())


def test_store_optuna_and_mlflow_hold_the_same_trials(searched):
    store, done = searched
    [run] = runs(store, "chain")
    assert run.info.status == "FINISHED"
    children = {child.info.run_id: child.data for child in runs(store, "chain-trial")}
    stored = rows(store, "select trial, params, objectives, run_id from trials")
    assert len(stored) == len(children) == done.trials == 25
    for number, params, objectives, id in stored:
        _, trial = trials_of(done)[number]
        assert json.loads(params) == trial.params
        figures = json.loads(objectives)
        assert [figures["quality"], figures["cost"]] == trial.values
        assert children[id].params["setting"] == trial.user_attrs["setting"]["chain"]
    logged = Tracker(store)
    for name in ("front.png", "front-test.png"):
        plots = logged.artifact(run.info.run_id, "plots")
        assert (plots / name).stat().st_size > 20_000
    front = list(csv.DictReader(logged.artifact(run.info.run_id, "front.csv").open()))
    own = {(row["system"], row["split"]) for row in front if row["place"]}
    assert own == {(s.name, split) for s in done.settings for split in ("validation", "test")}
    assert breaches(store) == []


def test_it_is_told_what_is_left_out_and_no_cost_is_guessed(routed, fresh, capsys):
    store = fresh(routed.parent)
    [(first,), (second,), (third,)] = rows(
        store, "select prompt_id from prompts where split = 'validation' order by 1 limit 3"
    )
    execute(store, "update candidates set tokens_out = null where prompt_id = ?", first)
    execute(store, "delete from routes where router = ? and prompt_id = ?", NOISY, second)
    execute(store, "delete from comparisons where prompt_id = ?", third)
    done = chain(store, cost="tokens", trials=2, m=[1, 2], report_on=None)
    total = one(store, "select count(*) from prompts where split = 'validation'")
    assert done.settings[0].tuned.cost.n == total - 3
    told = " ".join(capsys.readouterr().err.split())
    assert f"{total - 3} of {total} prompts measured" in told
    for why in ("a cost in tokens is not known: 1", f"router {NOISY[:8]} has no route: 1",
                "has not compared all pairs: 1"):  # fmt: skip
        assert why in told
    assert one(store, "select count(*) from results") == 0
    execute(store, "update candidates set tokens_out = null where llm = 'sim-iris-7b'")
    with pytest.raises(MissingInput, match=r"tokens is known of sim-iris-7b: .*--cost calls"):
        chain(store, cost="tokens", trials=2)
    others = [name for (name,) in rows(store, "select llm from llms") if name != "sim-iris-7b"]
    left = chain(store, cost="tokens", trials=2, llms=others, report_on=None)
    assert "llm:sim-iris-7b" not in left.beside.systems
    assert len(left.beside.systems) == 11 + 6


def test_without_comparisons_one_llm_is_asked(routed, fresh, capsys):
    store = fresh(routed.parent)
    execute(store, "delete from comparisons")
    execute(store, "update candidates set text = null")
    done = chain(store, trials=6, cost="parameters", comparison_cost=9.0)
    assert "only route to one LLM" in capsys.readouterr().err
    assert {c.m for c, _ in trials_of(done)} == {1}
    assert "rank all" not in done.beside.systems
    assert any(c.policy.startswith("cost_aware") for c, _ in trials_of(done))
    for options in ({"m": [2]}, {"routers": ["all"]}):
        with pytest.raises(MissingInput, match="workbench compare"):
            chain(store, **options)


def test_what_cannot_be_searched_is_refused_before_a_run_begins(routed, fresh):
    store = fresh(routed.parent)
    for options, error, told in (
        ({"trials": 0}, BadValue, "trials = 0"),
        ({"comparison_cost": -1.0}, BadValue, "comparison_cost = -1.0"),
        ({"fused_prompts": 0}, BadValue, "fused_prompts = 0"),
        ({"m": [0]}, BadValue, "m = 0: expected from 1 to 11"),
        ({"m": [12]}, BadValue, "m = 12: .*'all' among the routers"),
        ({"m": [2, 2]}, BadValue, "each choice once"),
        ({"top_k": [2]}, BadValue, "--fuser"),
        ({"cost": "eur"}, UnknownName, "unit of cost 'eur'"),
        ({"routers": ["zooter"]}, UnknownName, "router 'zooter'"),
        ({"routers": [ORACLE, "0a0a"]}, BadValue, "each once"),
        ({"routers": [""]}, AmbiguousName, "router"),
        ({"ranker": "x"}, UnknownName, "ranker 'x'"),
        ({"measure": "rougel@1"}, UnknownName, "Did you mean 'rougeL@1'"),
        ({"datasets": ["simulate"]}, UnknownName, "Did you mean 'simulated'"),
        ({"llms": ["sim-iris-7b"]}, BadValue, "at least two"),
        ({"schemes": ["max_logit"]}, UnknownName, "Did you mean 'max_logits'"),
        ({"split": "train"}, MissingInput, "workbench route"),
        ({"fuser": "x", "fusion_cost": -1.0}, UnknownName, "train run 'x'"),
        ({"fuser": "x", "m": [1], "routers": [ORACLE]}, BadValue, "nothing to fuse"),
    ):
        with pytest.raises(error, match=told):
            chain(store, **options)
    execute(store, "delete from routes where prompt_id in (select prompt_id from prompts where "
            "split = 'test')")  # fmt: skip
    with pytest.raises(MissingInput, match=r"split 'test' has no prompt .*has no route"):
        chain(store, routers=[ORACLE])
    execute(store, "delete from routes")
    with pytest.raises(MissingInput, match=r"workbench route.*BestSingle, Random, all"):
        chain(store)
    assert runs(store, "chain") == []
    assert chain(store, trials=3, routers=["BestSingle", "Random", "all"]).trials == 3


def test_the_command_line_and_going_on(routed, fresh, capsys):
    store = fresh(routed.parent)
    words = ["chain", "--store", str(store), "--routers", f"[{ORACLE[:6]},all]", "--m=[1,3]",
             "--schemes=[max_logits]", "--cost=calls", "--comparison_cost=0.01"]  # fmt: skip
    assert main([*words, "--trials=4"]) == 0
    text = capsys.readouterr().out
    for word in ("OracleRouter, m=1", "BestSingle", "Oracle", "minus Best-", "The same"):
        assert word in text
    assert main([*words, "--trials=6"]) == 0
    assert one(store, "select count(*) from trials") == 6
    assert len(runs(store, "chain")) == 1
    assert main([*words, "--m=[99]"]) == 2
    assert "m = 99" in capsys.readouterr().err


def test_a_study_is_not_gone_on_with_where_the_routes_have_changed(routed, fresh):
    store = fresh(routed.parent)
    chain(store, trials=1, study="mine")
    execute(store, "update routes set utility = utility + 1 where llm like '%7b'")
    with pytest.raises(BadValue, match=r"study = 'mine': .*data '"):
        chain(store, trials=1, study="mine")


def test_forgetting_a_search(routed, fresh):
    store = fresh(routed.parent)
    chain(store, trials=2)
    [run] = runs(store, "chain")
    forget(store, run.info.run_id)
    assert one(store, "select count(*) from trials") == 0
    assert one(store, "select count(*) from results") == 0
    assert runs(store, "chain-trial") == []
