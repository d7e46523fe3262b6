import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from own_measure import WordShare, weights
from processes import wait_until, workbench
from tiny_pipeline import MEASURE, execute, one, rows, runs

from workbench.cli import main
from workbench.errors import BadModel, BadValue, StoreConflict
from workbench.stages.forget import forget
from workbench.stages.measure import measure

NAME = "word_share[tiny]@1"
VALUES = "select count(*) from qualities where measure = ?"


@pytest.fixture
def store(measured_pool, fresh):
    return fresh(measured_pool)


def test_only_that_model_measures(store, tmp_path):
    model = WordShare(weights(tmp_path / "tiny"))
    done = measure(store, model=model, splits=["test"])
    n = one(store, "select count(*) from candidates join prompts using (prompt_id) "
                   "where split = 'test'")  # fmt: skip
    [(name, new, mean)] = done.rows
    assert (name, new) == (NAME, n)
    assert 0 < mean < 1
    assert {m for (m,) in rows(store, "select distinct measure from qualities")} == {MEASURE, NAME}
    # The references of the splits that are not measured count too: no value depends on these.
    assert set(model.told) == {
        text for (text,) in rows(store, "select reference from prompts")
    }  # fmt: skip
    [run] = [r for r in runs(store, "measure") if r.data.params["measures"] == f"['{NAME}']"]
    assert run.data.params["class"] == "WordShare"
    assert run.data.params["content"] == one(
        store, "select value from meta where name = ?", f"measure:{NAME}"
    )
    again = WordShare(weights(tmp_path / "tiny"))
    assert measure(store, model=again, splits=["test"]).rows == [(NAME, 0, pytest.approx(mean))]
    assert again.calls == []
    assert len(runs(store, "measure")) == 2


def test_answers_of_a_prompt_are_measured_in_one_call(store, tmp_path):
    model = WordShare(weights(tmp_path / "tiny"))
    measure(store, model=model)
    assert len(model.calls) > 1
    [(shared,)] = rows(store, "select max(n) from (select count(*) n from prompts "
                              "where reference is not null group by reference)")  # fmt: skip
    calls = Counter(text for call in model.calls for text in set(call))
    assert max(calls.values()) <= shared
    alone = WordShare(weights(tmp_path / "tiny")).prepare()
    for text, reference, value in rows(
        store,
        "select c.text, p.reference, q.value from qualities q join candidates c "
        "using (candidate_id) join prompts p using (prompt_id) where measure = ? limit 20",
        NAME,
    ):
        assert alone([text], [reference], progress=lambda n: None)[0] == value


def test_one_name_stands_for_one_model(store, tmp_path):
    measure(store, model=WordShare(weights(tmp_path / "tiny")))
    known, mean = runs(store), one(store, "select avg(value) from qualities where measure=?", NAME)
    other = weights(tmp_path / "tiny", weight=0.5)
    for given in ({"model": WordShare(other)}, {"model": WordShare(other, label="tiny")}):
        with pytest.raises(StoreConflict, match=r"(?s)word_share\[tiny\]@1.*--model.label"):
            measure(store, **given)
    assert len(runs(store)) == len(known)
    assert one(store, "select avg(value) from qualities where measure = ?", NAME) == pytest.approx(
        mean
    )
    [(name, _, half)] = measure(store, model=WordShare(other, label="half")).rows
    assert name == "word_share[half]@1"
    assert half == pytest.approx(mean / 2)
    # The same files in another place are the same model, and a setting makes another name.
    (tmp_path / "moved").mkdir()
    moved = weights(tmp_path / "moved" / "tiny")
    assert measure(store, model=WordShare(moved)).rows == [(NAME, 0, pytest.approx(mean))]
    [(name, new, _)] = measure(store, model=WordShare(other, label="tiny", extra=1.0)).rows
    assert (name, new) == ("word_share[tiny,extra=1]@1", 70 * 12)
    # The precision moves values, so these are others too.
    with pytest.raises(StoreConflict, match="in bfloat16"):
        measure(store, model=WordShare(moved), precision="bfloat16")


def test_a_forgotten_name_is_free_again(store, tmp_path):
    measure(store, model=WordShare(weights(tmp_path / "tiny")))
    run = runs(store, "measure")[0].info.run_id
    assert dict(forget(store, run).rows) == {"qualities": 70 * 12}
    assert one(store, "select count(*) from meta where name like 'measure:%'") == 0
    other = WordShare(weights(tmp_path / "tiny", weight=0.5))
    assert measure(store, model=other).rows[0][1] == 70 * 12


def test_values_that_came_with_the_answers_are_not_added_to(store, tmp_path):
    execute(store, "insert into qualities select candidate_id, ?, 0.5 from candidates limit 9",
            NAME)  # fmt: skip
    with pytest.raises(StoreConflict, match="brought in"):
        measure(store, model=WordShare(weights(tmp_path / "tiny")))
    assert one(store, VALUES, NAME) == 9


def test_what_cannot_be_measured_is_told_before_any_work(store, tmp_path):
    known = runs(store)
    good = weights(tmp_path / "tiny")
    with pytest.raises(BadValue, match="one of them"):
        measure(store, [MEASURE], model=WordShare(good))
    with pytest.raises(BadModel, match="no directory"):
        measure(store, model=WordShare(str(tmp_path / "none")))
    with pytest.raises(BadValue, match="device"):
        measure(store, model=WordShare(good), device="abacus")
    with pytest.raises(BadValue, match="tokens_per_batch = 0"):
        measure(store, model=WordShare(good), tokens_per_batch=0)
    assert len(runs(store)) == len(known)
    with pytest.raises(
        BadModel, match=r"gives inf for the answer [0-9a-f]{24}, and (\d+) of \1 values"
    ):
        measure(store, model=WordShare(good, extra=float("inf")))
    assert one(store, VALUES, "word_share[tiny,extra=inf]@1") == 0


def test_killed_it_goes_on(store, tmp_path):
    folder = weights(tmp_path / "tiny")
    (tmp_path / "tiny" / "wait").touch()
    words = ["measure", "--store", store, "--model=own_measure.WordShare", "--model.model", folder]
    path = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    process = workbench(*words, env=os.environ | {"PYTHONPATH": path})
    wait_until(lambda: one(store, VALUES, NAME) > 0, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    written = one(store, VALUES, NAME)
    assert 0 < written < 70 * 12
    assert written % 12 == 0  # whole prompts
    (tmp_path / "tiny" / "wait").unlink()
    assert main(list(map(str, words))) == 0
    assert one(store, VALUES, NAME) == 70 * 12
    assert one(store, "select count(distinct candidate_id) from qualities where measure = ?",
               NAME) == 70 * 12  # fmt: skip
    [run] = [r for r in runs(store, "measure") if "content" in r.data.params]
    assert run.info.status == "FINISHED"


def test_from_the_command_line(store, tmp_path, capsys):
    folder = weights(tmp_path / "tiny")
    at = ["measure", "--store", str(store)]
    own = ["--model", "own_measure.WordShare", "--model.model", folder]
    assert main([*at, *own, "--model.label", "own", "--splits", "test"]) == 0
    assert "word_share[own]@1" in capsys.readouterr().out
    assert main([*at, *own, "--model.lable=own"]) == 2
    assert "label" in capsys.readouterr().err
    assert main([*at, *own, "--measures", MEASURE]) == 2
    assert "one of them" in capsys.readouterr().err
