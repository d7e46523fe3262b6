import json
import math
import os
import signal

import pytest
from processes import wait_until, workbench
from store_contract import breaches
from tiny_pipeline import content, counts, one, rows

from workbench.errors import BadRow, BadSource, BadValue, MissingInput, StoreConflict, UnknownName
from workbench.stages import ingest as stage
from workbench.stages.ingest import ingest
from workbench.store.ids import split_of
from workbench.store.tables import KEYS


def flat(prompt, llm, quality=0.5, **more):
    fields = {"instruction": f"question {prompt}", "llm": llm, "text": f"{llm} on {prompt}"}
    return fields | {"reference": "an answer", "quality.m": quality, "tags": [f"n:{prompt}"]} | more


def pool(prompts=9):
    return [flat(p, llm, p / 10) for p in range(prompts) for llm in ("a", "b", "c")]


def written(path, lines):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text + "\n", "utf-8")
    return str(path)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.duckdb"


def test_the_same_ingest_again_changes_nothing(store):
    first = ingest(store, "simulated", n_prompts=12)
    assert first.added["prompts"] == 12
    assert first.added["candidates"] == 12 * 12
    before = {table: content(store, table) for table in KEYS}
    again = ingest(store, "simulated", n_prompts=12)
    assert again.unchanged
    # Other options, so the rows themselves are looked at: they are the beginning of the same pool.
    part = ingest(store, "simulated", n_prompts=5)
    assert not part.unchanged
    assert set(again.added.values()) == set(part.added.values()) == {0}
    assert {table: content(store, table) for table in KEYS} == before
    assert breaches(store) == []


def test_rows_reach_their_tables(store, tmp_path):
    costs = {"decoding": "greedy", "tokens_in": 3, "tokens_out": 4, "usd": 0.25, "latency_s": 2}
    row = flat(1, "a", 0.75, input="more", category="river", split="test", **costs)
    ingest(store, "jsonl", path=written(tmp_path / "r.jsonl", [row, flat(1, "b", None, **{
        key: row[key] for key in ("input", "category", "split")})]), dataset="mine")  # fmt: skip
    assert rows(
        store, "select dataset, split, instruction, input, reference, category from prompts"
    ) == [("mine", "test", "question 1", "more", "an answer", "river")]
    assert rows(
        store,
        "select llm, text, decoding, tokens_in, tokens_out, usd, latency_s from candidates "
        "order by llm",
    ) == [
        ("a", "a on 1", "greedy", 3, 4, 0.25, 2.0),
        ("b", "b on 1", "", None, None, None, None),
    ]
    # b's quality was null: not measured is no row, and never 0.
    assert rows(store, "select measure, value from qualities") == [("m", 0.75)]
    assert rows(store, "select tag, tagger from tags") == [("n:1", "mine")]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ('{"instruction": "broken', "(row)"),
        ({"instruction": "q", "llm": "a"}, "text"),
        ({"instruction": 7, "llm": "a", "text": "t"}, "instruction"),
        (flat(99, "a", math.nan), "quality.m"),
        (flat(3, "a"), "instruction"),
    ],
    ids=["broken", "missing", "type", "nan", "duplicate"],
)
def test_a_bad_row_is_named_and_nothing_is_written(store, tmp_path, monkeypatch, bad, field):
    # Small batches: most of the file has been laid aside when the last row turns out bad.
    monkeypatch.setattr(stage, "_BATCH", 2)
    file = written(tmp_path / "rows.jsonl", [*pool(), bad])
    with pytest.raises(BadRow) as caught:
        ingest(store, "jsonl", path=file)
    assert (caught.value.file, caught.value.line, caught.value.field) == (file, 28, field)
    assert set(counts(store).values()) == {0}
    # Mended, the same file goes in.
    written(tmp_path / "rows.jsonl", pool())
    assert ingest(store, "jsonl", path=file).added["candidates"] == 27


def test_skip_ingests_the_rest_and_lists_what_was_rejected(store, tmp_path):
    good = pool()
    lines = [*good[:3], "{", *good[3:], flat(99, "a", math.nan)]
    done = ingest(
        store, "jsonl", on_error="skip", path=written(tmp_path / "rows.jsonl", lines), dataset="d"
    )
    assert (done.added["prompts"], done.added["candidates"], done.rejected) == (9, 27, 2)
    listed = [json.loads(line) for line in done.rejects.read_text("utf-8").splitlines()]
    assert [(row["line"], row["field"]) for row in listed] == [(4, "(row)"), (29, "quality.m")]
    assert listed[0]["row"] == "{"
    assert "finite" in listed[1]["reason"]
    assert all(row["file"] == str(tmp_path / "rows.jsonl") for row in listed)
    again = ingest(store, "jsonl", on_error="skip", path=str(tmp_path / "rows.jsonl"), dataset="d")
    assert (again.rejected, set(again.added.values())) == (2, {0})


def test_nothing_but_bad_rows_is_an_error(store, tmp_path):
    file = written(tmp_path / "rows.jsonl", ["{", "{"])
    with pytest.raises(MissingInput, match="no valid record"):
        ingest(store, "jsonl", on_error="skip", path=file)


def test_another_value_for_the_same_candidate_is_a_conflict(store, tmp_path):
    ingest(store, "jsonl", path=written(tmp_path / "one.jsonl", pool()))
    before = {table: content(store, table) for table in KEYS}
    changed = [*(flat(p, "new", 0.5) for p in range(20, 25)), flat(1, "a", 0.9)]
    with pytest.raises(StoreConflict, match=r"qualities .*value is 0\.1 .* and 0\.9"):
        ingest(store, "jsonl", path=written(tmp_path / "two.jsonl", changed))
    assert {table: content(store, table) for table in KEYS} == before


def test_splits_are_the_sources_own_or_by_hash(store, tmp_path):
    own = [flat("own", "a", split="validation")]
    ingest(store, "jsonl", path=written(tmp_path / "rows.jsonl", [*pool(40), *own]))
    found = dict(rows(store, "select instruction, split from prompts"))
    assert found.pop("question own") == "validation"
    assert found == {f"question {p}": split_of(f"question {p}", "") for p in range(40)}
    assert set(found.values()) == {"train", "validation", "test"}


def test_many_batches_give_the_same_store_as_one(tmp_path, monkeypatch):
    file = written(tmp_path / "rows.jsonl", pool(11))
    ingest(tmp_path / "one.duckdb", "jsonl", path=file)
    monkeypatch.setattr(stage, "_BATCH", 3)
    ingest(tmp_path / "many.duckdb", "jsonl", path=file)
    for table in KEYS:
        assert content(tmp_path / "many.duckdb", table) == content(tmp_path / "one.duckdb", table)
    assert counts(tmp_path / "many.duckdb")["candidates"] == 33


def test_facts_of_llms_are_written_once_known(store):
    ingest(store, "simulated", n_prompts=2)
    assert one(store, "select count(*) from llms where usd_per_mtok_in > 0") == 12
    assert one(store, "select parameters_b from llms where llm = 'sim-atlas-70b'") == 70


def test_errors_of_the_source_come_before_any_work(store, tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'jsonl'"):
        ingest(store, "json", path="x")
    with pytest.raises(BadSource, match="there is no such file"):
        ingest(store, "jsonl", path=str(tmp_path / "missing.jsonl"))
    with pytest.raises(BadValue, match="n_prompts"):
        ingest(store, "simulated", n_prompts=0)


@pytest.mark.parametrize("moment", ["reading", "writing"])
def test_kill_leaves_the_store_whole_and_a_second_ingest_completes_it(store, moment):
    size = 800
    process = workbench("ingest", "simulated", "--n_prompts", size, "--store", store)
    work = store.with_suffix(".work")
    if moment == "reading":
        wait_until(lambda: any(work.glob("ingest-*/candidates.parquet")), process)
    else:
        # The footer is written when a file is closed, just before the transaction begins.
        wait_until(
            lambda: any(f.stat().st_size > 3000 for f in work.glob("ingest-*/tags*")), process
        )
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert counts(store)["prompts"] in (0, size)
    assert (counts(store)["prompts"] == 0) == (counts(store)["candidates"] == 0)
    ingest(store, "simulated", n_prompts=size)
    assert counts(store)["prompts"] == size
    assert counts(store)["candidates"] == 12 * size
    assert breaches(store) == []
