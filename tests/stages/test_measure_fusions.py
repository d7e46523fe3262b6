import pytest
from fusion_rows import add_fusions
from rich.console import Console
from tiny_pipeline import MEASURE, content, execute, one, rows, runs

from workbench.quality import OF_PROSE
from workbench.stages.measure import measure

OF_FUSIONS = "select q.value from qualities q join fusions f on f.fusion_id = q.candidate_id"


def text_of(thing):
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(thing)
    return console.export_text()


def test_fusions_are_measured_as_candidates_are(measured_pool, fresh):
    store = fresh(measured_pool)
    [before] = runs(store, "measure")
    known = content(store, "qualities")
    [(_, _, of_candidates)] = measure(store, [MEASURE]).rows
    add_fusions(store, "fuser")
    n = one(store, "select count(*) from fusions")
    done = measure(store, [MEASURE])
    # The candidates' values stand; the run is another, for it has seen other answers.
    assert done.rows == [(MEASURE, 0, pytest.approx(of_candidates))]
    [(name, new, mean)] = done.fusions
    assert (name, new) == (MEASURE, n)
    assert n > 0
    assert known < content(store, "qualities")
    assert [r.info.run_id for r in runs(store, "measure")][1:] == [before.info.run_id]
    # Each fusion is the text of a candidate of its prompt, and is worth the same.
    assert rows(
        store,
        "select count(*) from fusions f join qualities q on q.candidate_id = f.fusion_id "
        "join candidates c on c.candidate_id = f.candidate_ids[1] join qualities o "
        "on o.candidate_id = c.candidate_id where o.value <> q.value",
    ) == [(0,)]
    assert mean == pytest.approx(one(store, f"select avg(value) from ({OF_FUSIONS})"))
    again = measure(store, [MEASURE])
    assert again.fusions == [(MEASURE, 0, pytest.approx(mean))]
    assert "mean of fusions" in text_of(again)
    assert runs(store, "measure")[0].data.metrics[f"mean_of_fusions/{MEASURE.replace('@', '_')}"] \
        == pytest.approx(mean)  # fmt: skip


def test_fusions_of_other_splits_wait_their_turn(measured_pool, fresh):
    store = fresh(measured_pool)
    add_fusions(store, "fuser", splits=("test", "validation"))
    done = measure(store, [MEASURE, "exact_match@1"], splits=["validation"])
    of_split = "from {} join prompts using (prompt_id) where split = 'validation'"
    fused = one(store, "select count(*) " + of_split.format("fusions"))
    written = one(store, "select count(*) " + of_split.format("candidates"))
    assert [row[:2] for row in done.rows] == [(MEASURE, 0), ("exact_match@1", written)]
    assert [row[:2] for row in done.fusions] == [(MEASURE, fused), ("exact_match@1", fused)]
    assert one(store, f"select count(*) from ({OF_FUSIONS})") == 2 * fused
    assert measure(store, [MEASURE], splits=["train"]).fusions == []


def test_fusions_of_prompts_without_a_reference_get_no_row(measured_pool, fresh):
    store = fresh(measured_pool)
    add_fusions(store, "fuser")
    execute(store, "update prompts set reference = null where split = 'test'")
    assert measure(store, [MEASURE]).fusions == []
    assert one(store, f"select count(*) from ({OF_FUSIONS})") == 0


def test_without_names_all_measures_that_suit_any_text(measured_pool, fresh):
    store = fresh(measured_pool)
    done = measure(store, splits=["test"])
    assert [name for name, *_ in done.rows] == OF_PROSE
    assert "fusions" not in text_of(done)
    found = rows(store, "select distinct measure from qualities")
    assert {name for (name,) in found} == set(OF_PROSE)
