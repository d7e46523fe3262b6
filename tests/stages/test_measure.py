import json

import pytest
from tiny_pipeline import MEASURE, content, execute, one, rows, runs

from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.stages.ingest import ingest
from workbench.stages.measure import measure


def test_only_what_is_missing_is_measured_again(measured_pool, fresh):
    store = fresh(measured_pool)
    before, run = content(store, "qualities"), runs(store, "measure")
    lost = [r[0] for r in rows(store, "select candidate_id from qualities limit 7")]
    execute(store, "delete from qualities where list_contains(?, candidate_id)", lost)
    # A value that stands is not computed again, so a changed one stays.
    execute(store, "update qualities set value = 2 where candidate_id = (select min(candidate_id) "
                   "from qualities)")  # fmt: skip
    [(name, new, mean)] = measure(store, [MEASURE]).rows
    assert (name, new) == (MEASURE, 7)
    assert mean == pytest.approx(one(store, "select avg(value) from qualities"))
    after = content(store, "qualities")
    assert len(after) == len(before)
    assert len(after - before) == 1
    assert {row for row in after if row[0] in lost} == {row for row in before if row[0] in lost}
    assert [r.info.run_id for r in runs(store, "measure")] == [r.info.run_id for r in run]


def test_prompts_without_a_reference_get_no_row(new_store, tmp_path):
    store, file = new_store, tmp_path / "rows.jsonl"
    told = [{"instruction": f"q{n}", "llm": "a", "text": "x y", "reference": r}
            for n, r in enumerate(["x y", None, "x z"])]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, told)), "utf-8")
    ingest(store, "jsonl", path=str(file))
    assert measure(store, [MEASURE]).rows == [(MEASURE, 2, pytest.approx(0.75))]
    assert rows(
        store,
        "select instruction, value from qualities join candidates using (candidate_id) "
        "join prompts using (prompt_id) order by instruction",
    ) == [("q0", 1.0), ("q2", pytest.approx(0.5))]
    execute(store, "update prompts set reference = null")
    with pytest.raises(MissingInput, match=r"no answer .* has a reference"):
        measure(store)


def test_names_are_checked_before_any_work(measured_pool, fresh):
    store = fresh(measured_pool)
    known = runs(store)
    with pytest.raises(UnknownName, match="Did you mean 'rougeL@1'"):
        measure(store, ["rougel@1"])
    with pytest.raises(UnknownName, match="Did you mean 'simulated'"):
        measure(store, datasets=["simulate"])
    with pytest.raises(BadValue, match="at least one measure"):
        measure(store, [])
    assert len(runs(store)) == len(known)
