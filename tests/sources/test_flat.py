import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rows import MISSING, changed, flat_row, parted, write_lines, write_parquet

from workbench.errors import BadSource, BadValue, UnknownName
from workbench.sources import load_source

WRITERS = {"jsonl": write_lines, "parquet": write_parquet}

BAD_IN_BOTH = [
    ("instruction", None, "instruction", "got null"),
    ("instruction", "nul \x00", "instruction", "NUL"),
    ("llm", None, "llm", "got null"),
    ("llm", " ", "llm", "empty"),
    ("split", "dev", "split", "Valid: train, validation, test"),
    ("tokens_in", -1, "tokens_in", "at least 0"),
    ("tokens_out", 2.5, "tokens_out", "whole number"),
    ("usd", -0.1, "usd", "at least 0"),
    ("usd", math.inf, "usd", "finite"),
    ("latency_s", math.nan, "latency_s", "finite"),
    ("quality.bleu", math.nan, "quality.bleu", "finite number, got nan"),
    ("quality.bleu", -math.inf, "quality.bleu", "finite"),
    ("tags", ["a", " "], "tags[1]", "empty"),
    ("reference", "Another.", "reference", "'The Danube.' on line 1, here 'Another.'"),
    ("category", "art", "category", "'geography' on line 1"),
    ("split", "train", "split", "'test' on line 1"),
    ("tags", None, "tags", "differs"),
]
BAD_IN_LINES = [
    *[(key, MISSING, key, "missing") for key in ("instruction", "llm")],
    ("instruction", 4, "instruction", "expected text"),
    ("instruction", "\udfff", "instruction", "lone surrogate"),
    ("llm", ["koala"], "llm", "expected text"),
    ("text", "\ud800", "text", "lone surrogate"),
    ("input", 4, "input", "expected text"),
    ("decoding", 4, "decoding", "expected text"),
    ("reference", 4, "reference", "expected text"),
    ("category", {}, "category", "expected text"),
    ("tags", "a", "tags", "expected an array"),
    ("usd", True, "usd", "expected a number"),
    ("tokens_in", 10**12, "tokens_in", "whole number"),
    ("quality.bleu", "0.5", "quality.bleu", "expected a number"),
    ("quality.bleu", False, "quality.bleu", "expected a number"),
    ("latency", 1.0, "latency", "Did you mean 'latency_s'?"),
    ("quality.", 1.0, "quality.", "unknown field"),
    ("candidates", [], "candidates", "unknown field"),
]


@pytest.mark.parametrize(
    ("kind", "key", "value", "field", "reason"),
    [(kind, *case) for kind in WRITERS for case in BAD_IN_BOTH]
    + [("jsonl", *case) for case in BAD_IN_LINES],
)
def test_bad_row_names_file_line_and_field(tmp_path, kind, key, value, field, reason):
    rows = [flat_row(1, llm) for llm in ("koala", "moss", "alpaca")]
    rows[1] = changed({**rows[1], key: None}, (key,), value)
    file = WRITERS[kind](tmp_path / f"a.{kind}", [*rows, flat_row(2)])
    records, (row,) = parted(load_source(kind)(file))
    assert [[c.llm for c in record.candidates] for record in records] == [
        ["koala", "alpaca"],
        ["koala"],
    ]
    assert (row.file, row.line, row.field) == (file, 2, field)
    assert reason in row.reason
    assert json.loads(row.row)["reference"] == rows[1]["reference"]


@pytest.mark.parametrize(("kind", "text"), [("jsonl", None), ("jsonl", MISSING), ("parquet", None)])
def test_a_text_may_be_missing_where_there_is_a_quality(tmp_path, kind, text):
    rows = [flat_row(1, llm) for llm in ("koala", "moss", "koala", "alpaca")]
    rows = [changed(row, ("text",), text) for row in rows]
    rows[1]["quality.bleu"] = None
    file = WRITERS[kind](tmp_path / f"a.{kind}", [*rows, flat_row(1, "koala")])
    (record,), bad = parted(load_source(kind)(file))
    assert [(c.llm, c.text, c.qualities) for c in record.candidates] == [
        ("koala", None, {"bleu": 0.25}),
        ("alpaca", None, {"bleu": 0.25}),
        ("koala", "koala says 1", {"bleu": 0.25}),
    ]
    assert [(row.line, row.field) for row in bad] == [(2, "text"), (3, "text")]
    assert "needs a quality" in bad[0].reason
    assert "koala stood without a text before" in bad[1].reason


def test_a_parquet_file_of_qualities_alone(tmp_path):
    rows = [changed(flat_row(1, llm), ("text",), MISSING) for llm in ("koala", "moss")]
    (record,), bad = parted(load_source("parquet")(write_parquet(tmp_path / "a", rows)))
    assert not bad
    assert [(c.llm, c.text) for c in record.candidates] == [("koala", None), ("moss", None)]


@pytest.mark.parametrize("kind", WRITERS)
def test_same_candidate_and_scattered_prompt_are_bad_rows(tmp_path, kind):
    rows = [flat_row(1), flat_row(1), flat_row(2), flat_row(1, "moss"), flat_row(2, "moss")]
    records, bad = parted(load_source(kind)(WRITERS[kind](tmp_path / f"a.{kind}", rows)))
    assert [[c.llm for c in r.candidates] for r in records] == [["koala"], ["koala", "moss"]]
    assert [(row.line, row.field) for row in bad] == [(2, "text"), (4, "instruction")]
    assert "on line 1; the rows of a prompt must stand together" in bad[1].reason


def test_broken_json_is_a_bad_row(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", [flat_row(1), '{"llm": ', "[]", flat_row(1, "moss")])
    (record,), bad = parted(load_source("jsonl")(file))
    assert len(record.candidates) == 2
    assert [(row.line, row.field, row.row) for row in bad] == [
        (2, "(row)", '{"llm": '),
        (3, "(row)", "[]"),
    ]


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet"])
def test_round_trip(tmp_path, kind):
    bare = dict.fromkeys(flat_row()) | {"instruction": "Hi", "llm": "moss", "text": ""}
    rows = [flat_row(1), flat_row(1, "moss"), bare]
    kind, write = kind.split(".")[0], WRITERS[kind.split(".")[0]]
    file = write(tmp_path / f"a.{kind}", rows)
    (full, empty), bad = parted(load_source(kind)(file, dataset="mine"))
    assert not bad
    assert (full.dataset, full.file, full.line, empty.line) == ("mine", file, 1, 3)
    assert (full.instruction, full.input) == ("Name river 1.", "in Europe")
    assert (full.reference, full.category, full.split) == ("The Danube.", "geography", "test")
    assert (full.tags, full.tagger) == (("rivers",), "mine")
    koala, moss = full.candidates
    assert (koala.llm, koala.text, koala.decoding) == ("koala", "koala says 1", "greedy")
    assert (koala.tokens_in, koala.tokens_out, koala.usd, koala.latency_s) == (7, 3, 0.001, 0.5)
    assert koala.qualities == {"bleu": 0.25}
    assert moss.llm == "moss"
    assert (empty.input, empty.reference, empty.category, empty.split) == ("", None, None, None)
    assert (empty.tags, empty.tagger) == ((), "")
    (answer,) = empty.candidates
    assert (answer.text, answer.decoding, answer.qualities) == ("", "", {})
    assert (answer.tokens_in, answer.tokens_out, answer.usd, answer.latency_s) == (None,) * 4


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pool=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
)
def test_lines_and_parquet_give_the_same_records(tmp_path, pool, text):
    rows = [
        {**flat_row(prompt, f"llm-{i}"), "text": text}
        for prompt, count in enumerate(pool)
        for i in range(count)
    ]
    lines, _ = parted(load_source("jsonl")(write_lines(tmp_path / "a", rows), dataset="d"))
    table, _ = parted(load_source("parquet")(write_parquet(tmp_path / "a", rows), dataset="d"))
    assert lines == table
    assert [len(record.candidates) for record in lines] == pool
    assert lines[-1].candidates[-1].text == text


@pytest.mark.parametrize("kind", WRITERS)
def test_chosen_llms_and_limit(tmp_path, kind):
    rows = [flat_row(p, llm) for p in (1, 2, 3) for llm in ("koala", "moss")][1:]
    file = WRITERS[kind](tmp_path / "a", rows)
    read = load_source(kind)
    records, _ = parted(read(file, llms=["koala"], limit=1))
    assert [r.instruction for r in records] == ["Name river 2."]
    assert [c.llm for c in records[0].candidates] == ["koala"]
    with pytest.raises(UnknownName, match=r"Did you mean 'koala'.*Valid: koala, moss"):
        read(file, llms=["koalas"])
    with pytest.raises(BadValue, match="limit"):
        read(file, limit=0)
    with pytest.raises(BadValue, match="llms"):
        read(file, llms=[])


def test_columns_of_floats_with_gaps_hold_counts(tmp_path):
    table = pa.Table.from_pylist([{**flat_row(1), "tokens_in": 12.0}])
    pq.write_table(table, tmp_path / "a.parquet")
    (record,), bad = parted(load_source("parquet")(str(tmp_path / "a.parquet")))
    assert not bad
    assert record.candidates[0].tokens_in == 12


@pytest.mark.parametrize("kind", WRITERS)
def test_wrong_file_is_refused(tmp_path, kind):
    read = load_source(kind)
    with pytest.raises(BadSource, match="no such file"):
        read(str(tmp_path / "a"))
    with pytest.raises(BadSource, match="directory"):
        read(str(tmp_path))
    other = WRITERS["parquet" if kind == "jsonl" else "jsonl"](tmp_path / "a", [flat_row()])
    with pytest.raises(BadSource, match="Parquet file"):
        read(other)


def test_wrong_columns_are_refused(tmp_path):
    row = flat_row()
    file = write_parquet(tmp_path / "a", [changed(row, ("llm",), MISSING)])
    with pytest.raises(BadSource, match="'llm' is missing"):
        load_source("parquet")(file)
    file = write_parquet(tmp_path / "a", [{**row, "latency": 1.0}])
    with pytest.raises(UnknownName, match="Did you mean 'latency_s'"):
        load_source("parquet")(file)
