"""A study's name stands for one question; another one is refused before any trial."""

import json

import optuna
import pytest
from tiny_pipeline import MEASURE, execute, one, runs

from workbench.errors import BadValue
from workbench.sweeps.study import claimed_study
from workbench.sweeps.sweep import sweep
from workbench.tracking import study_storage

NAMED = {"study": "mine", "trials": 2}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"objective": "best"}, r"objective 'mean', not 'best'"),
        ({"measure": "other"}, rf"measure '{MEASURE}', not 'other'"),
        ({"schemes": ["borda"]}, r"schemes \['max_logits', .*\], not \['borda'\]"),
        ({"orders": ["left"]}, r"orders \['both', .*\], not \['left'\]"),
        ({"schedules": ["all"]}, r"schedules \['all', .*\], not \['all'\]"),
        ({"top_k": [1]}, r"top_k \[1, 2, 3\], not \[1\]"),
        ({"datasets": ["simulated"]}, r"datasets None, not \['simulated'\]"),
        ({"split": "test", "report_on": None}, r"split 'validation', not 'test'"),
        ({"seed": 1}, r"seed 0, not 1"),
    ],
)
def test_a_study_is_not_continued_with_another_question(named, other, told):
    before = len(runs(named, "sweep"))
    with pytest.raises(BadValue, match=rf"study = 'mine': .*{told}"):
        sweep(named, **{"measure": MEASURE, **NAMED, **other})
    assert len(runs(named, "sweep")) == before
    study = optuna.load_study(study_name="mine", storage=study_storage(named))
    assert len(study.trials) == 2


@pytest.fixture(scope="module")
def named(compared_pool, tmp_path_factory):
    """A store with a study of two trials, and with a second measure."""
    from tiny_pipeline import copied

    store = copied(compared_pool, tmp_path_factory.mktemp("named") / "pool") / "store.duckdb"
    execute(store, "insert into qualities select candidate_id, 'other', 1 - value from qualities")
    sweep(store, measure=MEASURE, **NAMED)
    return store


def test_the_study_tells_what_it_was_asked(named):
    told = optuna.load_study(study_name="mine", storage=study_storage(named)).user_attrs
    assert told["workbench.config"]["measure"] == MEASURE
    assert told["workbench.config"]["objective"] == "mean"
    assert told["workbench.config"]["store"] == one(
        named, "select value from meta where name = 'store_id'"
    )
    [run] = runs(named, "sweep")
    assert told["workbench.key"] == run.data.tags["workbench.key"]


def test_a_study_of_a_time_without_schedules_is_refused_and_left_alone(compared_pool, fresh):
    """Its trials have no schedule, and its key is another one."""
    store = fresh(compared_pool)
    sweep(store, **NAMED)
    study = optuna.load_study(study_name="mine", storage=study_storage(store))
    asked = study.user_attrs["workbench.config"]
    del asked["schedules"]
    study.set_user_attr("workbench.config", asked)
    study.set_user_attr("workbench.key", "of that time")
    with pytest.raises(BadValue, match=r"study = 'mine': .*schedules None, not \['all', "):
        sweep(store, **NAMED)
    assert sweep(store, trials=2).trials == 2


def test_other_data_is_another_question(compared_pool, fresh):
    store = fresh(compared_pool)
    sweep(store, **NAMED)
    execute(store, "update comparisons set logit = -logit")
    with pytest.raises(BadValue, match=r"study = 'mine': .*data '.*', not '"):
        sweep(store, **NAMED)


def test_stores_of_one_folder_do_not_share_a_study(tmp_path):
    asked = {"measure": "m", "store": "a"}
    claimed_study(tmp_path / "a.duckdb", "mine", "key of a", asked)
    assert claimed_study(tmp_path / "a.duckdb", "mine", "key of a", asked).trials == []
    with pytest.raises(BadValue, match="store 'a', not 'b'"):
        claimed_study(tmp_path / "b.duckdb", "mine", "key of b", asked | {"store": "b"})


@pytest.mark.parametrize("directions", [["maximize"], ["maximize", "minimize"]])
def test_a_study_of_something_else_is_left_alone(tmp_path, directions):
    path = tmp_path / "a.duckdb"
    foreign = optuna.create_study(
        storage=study_storage(path), study_name="theirs", directions=directions
    )
    if len(directions) == 2:
        foreign.add_trial(optuna.create_trial(values=[1.0, 2.0]))
    with pytest.raises(BadValue, match="not made by such a sweep"):
        claimed_study(path, "theirs", "key", {})
    assert foreign.user_attrs == {}


def test_a_claim_that_was_killed_is_made_anew(tmp_path):
    path = tmp_path / "a.duckdb"
    optuna.create_study(
        storage=study_storage(path), study_name="mine", directions=["maximize", "minimize"]
    )
    study = claimed_study(path, "mine", "key", {"a": 1})
    assert study.metric_names == ["quality", "comparisons"]
    assert json.loads(json.dumps(study.user_attrs["workbench.config"])) == {"a": 1}
