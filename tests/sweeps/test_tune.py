"""Tune: trials are fusions of the store, measured; their front; nothing is written twice."""

import json
from collections import Counter

import numpy as np
import optuna
import pytest
from store_contract import breaches
from tiny_fuser import write_t5
from tiny_pipeline import copied, execute, one, rows, runs

from workbench.errors import BadModel, BadValue, MissingInput, UnknownName
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.quality import MEASURES
from workbench.stages.forget import forget
from workbench.stages.fuse import fuse
from workbench.stages.fusion_names import FusionSystem
from workbench.sweeps.decoding_space import DecodingSpace
from workbench.sweeps.tune import tune
from workbench.tracking import Tracker

CHRF = "chrf@1"  # bytes by chance have characters of the reference, not words
SHORT = DecodingSpace(max_new_tokens=[2, 5], copy_ngram=[0, 2])
FUSIONS = """
    select f.text, p.reference, f.tokens_out, f.candidate_ids, f.prompt_id
    from fusions f join prompts p using (prompt_id)
    where f.ranker = ? and f.scheme = ? and f.top_k = ? and f.candidate_order = ?
      and f.decoding = ? and p.split = ?
"""


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return write_t5(tmp_path_factory.mktemp("t5") / "tiny")


@pytest.fixture(scope="module")
def tuned(compared_pool, t5, tmp_path_factory):
    """The store after a study of 8 trials on 5 prompts, looked at on test, and what was answered.
    Read only."""
    store = copied(compared_pool, tmp_path_factory.mktemp("tuned") / "pool") / "store.duckdb"
    options = {"trials": 8, "prompts": 5, "top_k": [1, 2, 3], "decoding": SHORT}
    return store, tune(store, t5, measure=CHRF, report_on="test", **options)


@pytest.fixture
def written(monkeypatch):
    """What fusers were asked for, as (prompt, decoding), and how often."""
    asked, fused = Counter(), GenFuser.fuse

    def counting(self, *texts, decoding, keys, **options):
        asked.update((key, str(decoding), tuple(c)) for key, c in zip(keys, texts[2], strict=True))
        return fused(self, *texts, decoding=decoding, keys=keys, **options)

    monkeypatch.setattr(GenFuser, "fuse", counting)
    return asked


def trials_of(done):
    return optuna.load_study(study_name=done.study, storage=done.storage).trials


def system_of(trial):
    return FusionSystem.parse(trial.user_attrs["setting"]["fusion"])


def fusions(store, system, split="validation"):
    made = (system.ranker, system.scheme, system.top_k, system.candidate_order, system.decoding)
    return rows(store, FUSIONS, *made, split)


def test_a_trial_is_worth_what_its_fusions_are(tuned):
    store, done = tuned
    trials = trials_of(done)
    assert done.trials == len(trials) == 8
    prompts = set()
    for trial in trials:
        found = fusions(store, system_of(trial))
        texts, references, tokens, _, ids = map(list, zip(*found, strict=True))
        prompts.add(frozenset(ids))
        assert len(ids) == 5
        assert trial.values == pytest.approx(
            [MEASURES[CHRF](texts, references).mean(), np.mean(tokens)]
        )
        assert system_of(trial).top_k == trial.params["top_k"]
        assert system_of(trial).candidate_order.startswith(trial.params.get("order", "rank"))
    assert len(prompts) == 1  # all trials are judged on the same
    assert len({system_of(trial).name for trial in trials}) == 8
    assert len({quality for quality, _ in (trial.values for trial in trials)}) > 3
    assert breaches(store) == []


def test_the_front_holds_what_no_other_trial_beats(tuned):
    _, done = tuned
    values = [tuple(t.values) for t in trials_of(done)]
    best = {
        (q, c)
        for q, c in values
        if not any(qq >= q and cc <= c and (qq, cc) != (q, c) for qq, cc in values)
    }
    told = [(s.tuned.quality.value, s.tuned.tokens_out.value) for s in done.settings]
    assert sorted(told, reverse=True) == told
    assert {tuple(np.round(pair, 9)) for pair in told} == {
        tuple(np.round(pair, 9)) for pair in best
    }
    for s in done.settings:
        assert s.tuned.quality.low <= s.tuned.quality.value <= s.tuned.quality.high
        assert s.tuned.quality.n == 5


def test_the_pick_is_the_best_candidate_of_the_same_prompts(tuned):
    store, done = tuned
    [(scheme, pick)] = done.picks.items()
    first = next(t for t in trials_of(done) if system_of(t).candidate_order == "rank")
    best = [ids[0] for *_, ids, _ in fusions(store, system_of(first))]
    quality = [
        one(store, "select value from qualities where candidate_id = ? and measure = ?", c, CHRF)
        for c in best
    ]
    assert pick.value == pytest.approx(np.mean(quality))
    for s in done.settings:
        assert s.system.scheme == scheme
        difference = s.tuned.quality.value - pick.value
        assert s.tuned.vs_pick.estimate.value == pytest.approx(difference)


def test_the_front_is_looked_at_on_all_of_test(tuned):
    store, done = tuned
    total = one(store, "select count(*) from prompts where split = 'test'")
    stored = {
        (system, measure): (value, low, high, n)
        for system, measure, value, low, high, n in rows(
            store, "select system, measure, value, low, high, n from results where split = 'test'"
        )
    }
    assert len(stored) == 3 * len(done.settings)
    for s in done.settings:
        found = fusions(store, s.system, "test")
        assert len(found) == s.test.quality.n == total
        value = MEASURES[CHRF](*([row[place] for row in found] for place in (0, 1))).mean()
        assert s.test.quality.value == pytest.approx(value)
        e = s.test.quality
        assert stored[s.system.name, f"quality:{CHRF}"] == (e.value, e.low, e.high, e.n)
        assert stored[s.system.name, f"tokens_out:{CHRF}"][0] == np.mean([r[2] for r in found])
    others = [t for t in trials_of(done) if system_of(t) not in {s.system for s in done.settings}]
    assert others
    assert all(fusions(store, system_of(t), "test") == [] for t in others)


def test_store_optuna_and_mlflow_hold_the_same_trials(tuned):
    store, done = tuned
    [run] = runs(store, "tune")
    assert run.info.status == "FINISHED"
    children = {child.info.run_id: child.data for child in runs(store, "tune-trial")}
    stored = rows(
        store, "select trial, params, objectives, run_id from trials where study = ?", done.study
    )
    assert len(stored) == len(children) == 8
    for number, params, objectives, id in stored:
        trial = trials_of(done)[number]
        assert json.loads(params) == trial.params
        figures = json.loads(objectives)
        assert [figures["quality"], figures["tokens_out"]] == trial.values
        assert children[id].metrics == figures
        assert children[id].params["setting"] == system_of(trial).name
    logged = Tracker(store)
    assert (logged.artifact(run.info.run_id, "plots") / "front.png").stat().st_size > 5_000
    front = logged.artifact(run.info.run_id, "front.csv").read_text().splitlines()
    assert len(front) == 1 + 6 * len(done.settings)
    best = done.settings[0].tuned.quality.value
    assert run.data.metrics["front/1/validation/quality"] == best


def test_nothing_is_written_twice(compared_pool, fresh, t5, written):
    store = fresh(compared_pool)
    options = {"decoding": SHORT, "orders": ["rank"], "top_k": [2, 3], "prompts": 3}
    first = tune(store, t5, trials=2, **options)
    assert len(written) == 2 * 3
    before = [t.params for t in trials_of(first)]
    more = tune(store, t5, trials=4, **options)
    assert len(written) == 4 * 3
    assert (more.study, more.trials) == (first.study, 4)
    assert [t.params for t in trials_of(more)][:2] == before
    again = tune(store, t5, trials=4, **options, study="another")
    assert again.settings == more.settings
    assert len(written) == 4 * 3
    assert set(written.values()) == {1}
    assert len(runs(store, "tune")) == 2


def test_what_fuse_has_made_costs_nothing(compared_pool, fresh, t5, written):
    store = fresh(compared_pool)
    fuse(store, t5, top_k=2, decoding=Decoding(beams=1, max_new_tokens=3), splits=["validation"])
    written.clear()
    alone = DecodingSpace(kinds=["greedy"], max_new_tokens=[3])
    done = tune(store, t5, trials=2, top_k=[2], orders=["rank"], decoding=alone)
    assert not written
    assert len(done.settings) == 1  # a space of one setting: the second trial is the first again
    assert done.trials == 2
    assert one(store, "select count(*) from fusions") == len(
        fusions(store, done.settings[0].system)
    )


def test_a_larger_draw_of_prompts_adds_to_the_smaller(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    alone = DecodingSpace(kinds=["greedy"], max_new_tokens=[2])
    one_setting = {"trials": 1, "top_k": [1], "decoding": alone}
    few = tune(store, t5, prompts=3, **one_setting)
    those = {row[-1] for row in fusions(store, few.settings[0].system)}
    more = tune(store, t5, prompts=6, **one_setting)
    assert more.study != few.study
    found = {row[-1] for row in fusions(store, more.settings[0].system)}
    assert (len(those), len(found)) == (3, 6)
    assert those < found


def test_a_study_is_not_gone_on_with_where_rankings_or_references_have_changed(
    compared_pool, fresh, t5
):
    store = fresh(compared_pool)
    alone = DecodingSpace(kinds=["greedy"], max_new_tokens=[2])
    options = {"trials": 1, "prompts": 2, "top_k": [1], "decoding": alone, "study": "mine"}
    tune(store, t5, **options)
    execute(store, "update prompts set reference = reference || ' indeed'")
    with pytest.raises(BadValue, match=r"study = 'mine': .*data '"):
        tune(store, t5, **options)


def test_what_cannot_be_tried_is_refused_before_a_run_begins(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    for options, error, told in (
        ({"trials": 0}, BadValue, "trials = 0"),
        ({"prompts": 0}, BadValue, "prompts = 0"),
        ({"top_k": [0]}, BadValue, "top_k = 0"),
        ({"top_k": [13]}, BadValue, "at most 12, as no prompt has more"),
        ({"orders": ["up"]}, UnknownName, "order 'up'"),
        ({"measure": "rougel@1"}, UnknownName, "Did you mean 'rougeL@1'"),
        ({"schemes": ["borda"]}, UnknownName, "ranked scheme 'borda'"),
        ({"schemes": ["bubble", "bubble"]}, BadValue, "each choice once"),
        ({"datasets": ["simulate"]}, UnknownName, "Did you mean 'simulated'"),
        ({"ranker": "x"}, UnknownName, "ranker with rankings 'x'"),
        ({"fuser": "x"}, UnknownName, "train run 'x'"),
        ({"fuser": "./x"}, BadModel, "x"),
        ({"split": "train"}, MissingInput, "workbench aggregate"),
        ({"device": "abacus"}, BadValue, "device = 'abacus'"),
    ):
        with pytest.raises(error, match=told):
            tune(store, **{"fuser": t5, **options})
    execute(store, "update prompts set reference = null where split = 'validation'")
    with pytest.raises(MissingInput, match="has a reference"):
        tune(store, t5)
    assert runs(store, "tune") == []
    assert one(store, "select count(*) from fusions") == 0


def test_forgetting_a_tuning_leaves_its_fusions(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    alone = DecodingSpace(kinds=["greedy"], max_new_tokens=[2])
    done = tune(store, t5, trials=2, prompts=2, top_k=[1, 2], orders=["rank"], decoding=alone)
    [run] = runs(store, "tune")
    forget(store, run.info.run_id)
    assert one(store, "select count(*) from trials") == 0
    assert one(store, "select count(*) from fusions") == 4
    with pytest.raises(KeyError):
        trials_of(done)
    assert runs(store, "tune-trial") == []


def test_rankings_of_chance_and_of_several_schemes(compared_pool, fresh, t5, capsys):
    store = fresh(compared_pool)
    alone = DecodingSpace(kinds=["greedy"], max_new_tokens=[2])
    options = {"trials": 4, "prompts": 2, "top_k": [1, 2], "orders": ["rank"], "decoding": alone}
    schemes = ["max_logits", "bubble"]
    done = tune(store, t5, schemes=schemes, **options)
    assert {system_of(t).scheme.split("(")[0].split(";")[0] for t in trials_of(done)} == set(
        schemes
    )
    assert len(done.picks) == 2
    chance = tune(store, t5, ranker="random", **options | {"trials": 1})
    assert all(system_of(t).random for t in trials_of(chance))
    assert list(chance.picks) == ["random(seed=0)"]
