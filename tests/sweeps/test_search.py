"""Each K is searched as if it were alone; what does not converge is kept as failed."""

import json

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial
from tiny_pipeline import rows, runs

from workbench.aggregation import Scheme
from workbench.errors import BadValue, NotConverged, UnknownName
from workbench.sweeps.objective import Compared
from workbench.sweeps.setting import fronts
from workbench.sweeps.space import Space
from workbench.sweeps.sweep import sweep
from workbench.tracking import ERROR


def trials_of(done):
    return optuna.load_study(study_name=done.study, storage=done.storage).trials


def drawn(trials, k):
    return [
        {name: value for name, value in t.params.items() if name != "top_k"}
        for t in trials
        if t.params["top_k"] == k
    ]


@pytest.mark.parametrize("objective", ["mean", "best"])
def test_each_k_is_searched_as_if_it_were_alone(compared_pool, fresh, objective):
    store = fresh(compared_pool)
    together = trials_of(sweep(store, trials=36, objective=objective))
    assert [t.params["top_k"] for t in together] == [1, 2, 3] * 12
    # Ten draws of each K are at random, before its sampler learns.
    alone = sweep(store, trials=12, top_k=[3], objective=objective)
    assert drawn(trials_of(alone), 3) == drawn(together, 3)


def test_a_study_that_goes_on_gives_each_k_its_share(compared_pool, fresh):
    store = fresh(compared_pool)
    sweep(store, trials=4)
    trials = trials_of(sweep(store, trials=9))
    assert sorted(t.params["top_k"] for t in trials) == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_only_parameters_that_can_change_a_rank_are_searched(compared_pool, fresh):
    done = sweep(fresh(compared_pool), trials=3, schemes=["bradley_terry"])
    assert {name for t in trials_of(done) for name in t.params} == {
        "scheme", "bradley_terry.temperature", "order", "schedule", "top_k",
    }  # fmt: skip
    assert all("prior=0.1," in s.scheme for s in done.settings)
    assert Space(schemes=["borda"]).parameters() == {}


def test_the_schedule_top_k_has_the_k_of_its_trial(compared_pool, fresh):
    schedules = ["top_k(confidence=0.8)", "top_k(k=2)"]
    schemes = ["borda", "top_k", "bubble"]
    done = sweep(fresh(compared_pool), trials=21, schemes=schemes, schedules=schedules)
    seen = set()
    for trial in trials_of(done):
        k, drawn = trial.params["top_k"], trial.params.get("schedule")
        seen.add((trial.params["scheme"], drawn))
        scheme = Scheme.parse(trial.user_attrs["setting"]["scheme"])
        if scheme.name == "bubble":
            assert scheme.schedule.name == "bubble"
            continue
        expected = {"k": k, "confidence": 0.95, "pairs": 1, "seed": 0}
        expected |= {"confidence": 0.8} if drawn == schedules[0] else {}
        expected |= {"k": 2} if drawn == schedules[1] else {}
        assert dict(scheme.schedule.params) == expected
        assert (drawn is None) == (scheme.name == "top_k")
    assert seen == {("borda", schedules[0]), ("borda", schedules[1]), ("top_k", None),
                    ("bubble", None)}  # fmt: skip


@pytest.mark.parametrize(
    ("schedules", "error", "told"),
    [
        (["swis"], UnknownName, "Did you mean 'swiss'"),
        (["top_k(sed=1)"], UnknownName, "Did you mean 'seed'"),
        (["swiss(rounds=0)"], BadValue, "rounds"),
        (["all", "all"], BadValue, "each choice once"),
    ],
)
def test_schedules_that_there_are_not_are_refused(compared_pool, schedules, error, told):
    with pytest.raises(error, match=told):
        sweep(compared_pool / "store.duckdb", schedules=schedules)


def test_what_does_not_converge_is_a_failed_trial_everywhere(compared_pool, fresh, monkeypatch):
    store = fresh(compared_pool)
    worth = Compared.figures_of

    def stubborn(self, scheme, sizes):
        if scheme.name == "borda":
            raise NotConverged("borda goes on and on")
        return worth(self, scheme, sizes)

    monkeypatch.setattr(Compared, "figures_of", stubborn)
    trials = trials_of(sweep(store, trials=12, schemes=["borda", "copeland"]))
    failed = {t.number for t in trials if t.state == TrialState.FAIL}
    assert failed == {t.number for t in trials if t.params["scheme"] == "borda"} != set()
    assert len(trials) == 12
    stored = rows(store, "select trial, objectives from trials where state = 'FAIL'")
    assert {trial for trial, _ in stored} == failed
    assert {objectives for _, objectives in stored} == {None}
    children = [r for r in runs(store, "sweep-trial") if r.info.status == "FAILED"]
    assert len(children) == len(failed)
    assert {r.data.tags[ERROR] for r in children} == {"borda goes on and on"}


def finished(number, k, quality, comparisons):
    trial = create_trial(
        values=[quality, comparisons],
        params={"top_k": k},
        distributions={"top_k": CategoricalDistribution([1, 2])},
        user_attrs={"setting": json.loads(json.dumps({"scheme": f"s{number}"}))},
    )
    trial.number = number
    return trial


FEW = st.integers(0, 3).map(float)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 2]), FEW, FEW), max_size=12))
def test_a_front_holds_what_no_other_of_its_k_beats(figures):
    trials = [finished(i, *f) for i, f in enumerate(figures)]
    found = fronts(trials)
    assert list(found) == sorted({k for k, _, _ in figures})
    for k, front in found.items():
        own = [(q, c) for kk, q, c in figures if kk == k]
        best = {
            (q, c)
            for q, c in own
            if not any(qq >= q and cc <= c and (qq, cc) != (q, c) for qq, cc in own)
        }
        told = [(s.validation, s.comparisons) for s in front]
        assert set(told) == best
        assert len(told) == len(best)
        assert front[0].validation == max(q for q, _ in own)
        for s in front:
            first = figures.index((k, s.validation, s.comparisons))
            assert s.scheme == f"s{first}"
