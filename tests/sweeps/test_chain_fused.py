"""Chains that end in a fuser; and a search that is stopped ends as one that never was."""

import os
import signal
import sqlite3
from contextlib import closing, suppress

import numpy as np
import optuna
import pytest
from processes import wait_until, workbench
from routed_pool import ORACLE, write_routes
from store_contract import breaches
from tiny_fuser import write_t5
from tiny_pipeline import copied, one, rows, runs

from workbench.errors import BadModel, BadValue
from workbench.fusion.gen_fuser import GenFuser
from workbench.quality import MEASURES
from workbench.stages.evaluate import evaluate
from workbench.stages.fuse import fuse
from workbench.stages.measure import measure
from workbench.sweeps.chain import chain
from workbench.sweeps.chain_names import chain_choice, fused_scheme

CHRF = "chrf@1"  # bytes by chance have characters of the reference, not words
QUICK = {"schemes": ["max_logits"], "schedules": ["all"], "orders": ["both"], "m": [1, 2, 3]}
FUSIONS = """
    select f.prompt_id, f.candidate_ids, f.text, p.reference, f.tokens_out
    from fusions f join prompts p using (prompt_id)
    where f.scheme = ? and f.top_k = ? and p.split = ? order by 1
"""


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return write_t5(tmp_path_factory.mktemp("t5") / "tiny")


@pytest.fixture(scope="module")
def routed(compared_pool, tmp_path_factory):
    """A store with routes. Read only."""
    pool = copied(compared_pool, tmp_path_factory.mktemp("routed") / "pool")
    return write_routes(pool / "store.duckdb")


def trials_of(done):
    study = optuna.load_study(study_name=done.study, storage=done.storage)
    return [(chain_choice(t.user_attrs["setting"]["chain"]), t) for t in study.trials]


def fused(store, t5, **options):
    given = {"measure": CHRF, "cost": "tokens", "top_k": [1, 2], "fused_prompts": 3, "trials": 8}
    return chain(store, fuser=t5, routers=[ORACLE, "all"], **QUICK | given | options)


@pytest.fixture(scope="module")
def measured(routed, tmp_path_factory):
    """The same with values of the measure of fusions. Read only."""
    store = copied(routed.parent, tmp_path_factory.mktemp("chrf") / "pool") / "store.duckdb"
    measure(store, [CHRF])
    return store


def test_a_fusion_is_that_of_the_best_of_those_asked(measured, fresh, t5, monkeypatch):
    store = fresh(measured.parent)
    asked, plain = [], GenFuser.fuse

    def counting(self, *texts, keys, **options):
        asked.extend((key, *given) for key, given in zip(keys, texts[2], strict=True))
        return plain(self, *texts, keys=keys, **options)

    monkeypatch.setattr(GenFuser, "fuse", counting)
    done = fused(store, t5)
    llms = sorted(name for (name,) in rows(store, "select llm from llms"))
    ends = [(c, t) for c, t in trials_of(done) if c.top_k > 1]
    assert ends
    for choice, trial in ends:
        found = rows(store, FUSIONS, fused_scheme(choice, llms), 2, "validation")
        texts, references, tokens = (list(column) for column in list(zip(*found, strict=True))[2:])
        assert len(found) == 3
        told = trial.user_attrs["setting"]
        assert told["quality"] == pytest.approx(MEASURES[CHRF](texts, references).mean())
        assert told["fusion_cost"] == pytest.approx(np.mean(tokens))
        assert told["cost"] == pytest.approx(told["llm_cost"] + told["fusion_cost"])
        if choice.m == 2 and choice.policy == "argmax":  # the two that the router puts first
            for prompt, ids, *_ in found:
                best = rows(store, "select c.candidate_id from candidates c join routes r "
                            "using (prompt_id, llm) where prompt_id = ? and r.router = ? "
                            "order by r.utility desc, c.llm limit 2", prompt, ORACLE)  # fmt: skip
                assert set(ids) == {id for (id,) in best}
    assert {t.user_attrs["setting"]["fusion_cost"] for c, t in trials_of(done) if c.top_k == 1} == {
        0.0
    }
    assert len(asked) == len(set(asked))  # of the same answers no text is written twice
    assert done.settings[0].test.quality.n == 3
    assert breaches(store) == []
    before = one(store, "select count(*) from fusions")
    again = fused(store, t5, study="another")
    assert again.settings == done.settings
    assert one(store, "select count(*) from fusions") == before


def test_what_fuse_has_made_is_copied_and_evaluate_leaves_chains_out(
    measured, fresh, t5, monkeypatch
):
    store = fresh(measured.parent)
    fuse(store, t5, top_k=2)
    with monkeypatch.context() as patch:
        patch.setattr(GenFuser, "fuse", lambda *texts, **options: pytest.fail("fused again"))
        only = {"routers": ["all"], "trials": 2, "cost": "calls", "fusion_cost": 2.5, "m": [2]}
        done = chain(store, fuser=t5, measure=CHRF, top_k=[2], **QUICK | only)
    [choice] = {c for c, _ in trials_of(done) if c.top_k == 2}
    assert done.settings[0].tuned.figures["fusion_cost"].value in (0, 2.5)
    chained, plain = (
        rows(store, "select prompt_id, candidate_ids, text from fusions where scheme "
             f"{how} order by 1", *given)
        for how, given in (("like 'chain(%'", ()), ("not like 'chain(%'", ()))
    )  # fmt: skip
    assert choice.router == "all"
    assert chained
    assert set(map(str, chained)) <= set(map(str, plain))
    measure(store, [CHRF])
    evaluate(store, measures=[CHRF], resamples=10)
    systems = {name for (name,) in rows(store, "select distinct system from results")}
    assert sum(name.startswith("fusion:") for name in systems) == 1


def test_what_a_fuser_cannot_do_is_refused_before_a_run_begins(measured, fresh, t5):
    store = fresh(measured.parent)
    for options, error, told in (
        ({"cost": "usd"}, BadValue, "fusion_cost = None"),
        ({"fusion_cost": -1.0}, BadValue, "fusion_cost = -1.0"),
        ({"top_k": [13]}, BadValue, "top_k = 13: expected from 1 to 12"),
        ({"top_k": [0]}, BadValue, "top_k = 0"),
        ({"fuser": "./x"}, BadModel, "x"),
        ({"device": "abacus"}, BadValue, "device = 'abacus'"),
    ):
        with pytest.raises(error, match=told):
            fused(store, **{"t5": t5} | options) if "fuser" not in options else fused(store, "./x")
    assert runs(store, "chain") == []


def test_a_search_that_was_stopped_and_killed_ends_as_one_that_never_was(
    routed, fresh, monkeypatch
):
    store, other = fresh(routed.parent), fresh(routed.parent, "other")
    options = {"cost": "tokens", "comparison_cost": 0.5, "report_on": None, **QUICK}
    from workbench.sweeps import chain_search

    create, made = chain_search.create_trial, []

    def pressing(**given):
        made.append(given)
        if given.get("user_attrs") and len(made) > 12:
            os.kill(os.getpid(), signal.SIGINT)
        return create(**given)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(chain_search, "create_trial", pressing)
        chain(store, trials=600, **options)
    stopped = one(store, "select count(*) from trials")
    assert 0 < stopped < 20
    [run] = runs(store, "chain")
    assert run.info.status == "KILLED"

    def in_the_study():
        with suppress(sqlite3.Error), closing(sqlite3.connect(store.with_name("optuna.db"))) as db:
            return db.execute("select count(*) from trials").fetchone()[0]
        return 0

    process = workbench(
        "chain", "--store", store, "--trials=600", "--cost=tokens", "--comparison_cost=0.5",
        "--report_on=null", "--schemes=[max_logits]", "--schedules=[all]", "--orders=[both]",
        "--m=[1,2,3]",
    )  # fmt: skip
    wait_until(lambda: in_the_study() > stopped + 3, process)
    process.kill()
    process.communicate()
    killed = in_the_study()
    trials = killed + 3
    assert trials < 600
    ended, whole = (chain(path, trials=trials, **options) for path in (store, other))
    told = [[(t.params, t.values) for _, t in trials_of(done)] for done in (ended, whole)]
    assert told[0] == told[1]
    assert one(store, "select count(*) from trials") == len(told[0]) == trials
    assert len(runs(store, "chain-trial")) == trials
    assert len(runs(store, "chain")) == 1
