"""`measure --judge`: verdicts of a judge as qualities."""

import pytest
from fusion_rows import add_fusions
from tiny_pipeline import MEASURE, execute, one, rows, runs

from workbench.cli import main
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.stages.measure import measure

JUDGE, NAME = "gpt-x@pairwise-1", "gpt_rank[gpt-x@pairwise-1]@1"
# The longer answer wins; of fusions too, where it is compared with candidates.
_VERDICTS = """
    insert into verdicts
    select l.prompt_id, l.answer_id, r.answer_id, ?,
           case when length(l.text) > length(r.text) then 'left'
                when length(l.text) < length(r.text) then 'right' else 'both good' end
    from answers l join answers r using (prompt_id) join prompts p using (prompt_id)
    where l.answer_id <> r.answer_id and p.split = ?
"""
_RANKS = """
    select q.value, (select avg(sign(length(c.text) - length(o.text))) from candidates o
                     where o.prompt_id = c.prompt_id and o.candidate_id <> c.candidate_id) as hand
    from qualities q join candidates c using (candidate_id) where q.measure = ?
"""


@pytest.fixture
def store(measured_pool, fresh):
    store = fresh(measured_pool)
    execute(store, _VERDICTS, JUDGE, "test")
    execute(store, "insert into verdicts select * replace ('other' as judge, 'left' as verdict) "
                   "from verdicts")  # fmt: skip
    return store


def of_test(store, table):
    return one(store, f"select count(*) from {table} join prompts using (prompt_id) "
                      "where split = 'test'")  # fmt: skip


def test_scores_are_those_of_the_verdicts(store):
    execute(store, "update prompts set reference = null")  # judges need none
    done = measure(store, judge=JUDGE)
    n = of_test(store, "candidates")
    assert done.rows == [(NAME, n, pytest.approx(0, abs=1e-12))]
    assert done.fusions == []
    found = rows(store, _RANKS, NAME)
    assert len(found) == n
    assert all(value == pytest.approx(hand) for value, hand in found)
    assert len({value for value, _ in found}) > 5


def test_new_verdicts_change_old_scores(store):
    measure(store, judge=JUDGE)
    before = rows(store, _RANKS, NAME)
    execute(store, "update verdicts set verdict = 'both bad' where judge = ?", JUDGE)
    assert measure(store, judge=JUDGE).rows == [(NAME, 0, 0.0)]
    after = rows(store, _RANKS, NAME)
    assert len(after) == len(before)
    assert {value for value, _ in after} == {0.0}
    assert len(runs(store, "measure")) == 3
    # Where verdicts are gone, so are the scores; those of another split stay.
    execute(store, _VERDICTS, JUDGE, "validation")
    measure(store, judge=JUDGE)
    execute(store, "delete from verdicts where judge = ? and prompt_id in "
                   "(select prompt_id from prompts where split = 'test' order by prompt_id "
                   "limit 1)", JUDGE)  # fmt: skip
    measure(store, judge=JUDGE, splits=["test"])
    assert one(store, "select count(*) from qualities where measure = ?", NAME) == (
        of_test(store, "candidates") - 12
        + one(store, "select count(*) from candidates join prompts using (prompt_id) "
                     "where split = 'validation'")
    )  # fmt: skip


def test_fusions_have_scores_of_their_own(store):
    measure(store, judge=JUDGE)
    candidates = set(rows(store, _RANKS, NAME))
    add_fusions(store, "fuser")
    execute(store, "delete from verdicts where judge = ?", JUDGE)
    execute(store, _VERDICTS, JUDGE, "test")
    done = measure(store, judge=JUDGE)
    assert done.rows == [(NAME, 0, pytest.approx(0, abs=1e-12))]
    assert done.fusions[0][:2] == (NAME, of_test(store, "fusions"))
    assert set(rows(store, _RANKS, NAME)) == candidates


def test_what_is_not_there_is_told_before_any_work(store):
    known = runs(store)
    with pytest.raises(UnknownName, match=r"unknown judge 'gpt-y.*Did you mean 'gpt-x@"):
        measure(store, judge="gpt-y@pairwise-1")
    with pytest.raises(MissingInput, match=r"no verdict of .* splits"):
        measure(store, judge=JUDGE, splits=["train"])
    with pytest.raises(BadValue, match="measures and judge"):
        measure(store, [MEASURE], judge=JUDGE)
    assert len(runs(store)) == len(known)


def test_from_the_command_line(store, capsys):
    assert main(["measure", "--store", str(store), "--judge", JUDGE, "--splits=test"]) == 0
    assert NAME in capsys.readouterr().out
    [run] = [r for r in runs(store, "measure") if r.data.params.get("judge") == JUDGE]
    assert run.data.params["splits"] == "['test']"
