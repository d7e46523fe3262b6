import inspect
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandalm_rows import ROWS, pair
from rows import MISSING, changed, json_array_text, parted, write_lines

from workbench.errors import BadSource, BadValue, UnknownName
from workbench.sources import Candidate, Record, Verdict, load_source


def read(path, **options):
    return load_source("pandalm")(path, **options)


def upstream(row):
    """The same row as the file that PandaLM publishes has it."""
    codes = {"1": 1, "2": 2, "tie": 0}
    row = dict(row, cmp_key=row["llms"], motivation_app="Maps", idx=7)
    row |= {f"annotator{i}": codes[vote] for i, vote in enumerate(row.pop("votes"), start=1)}
    del row["llms"]
    return row


def written(tmp_path, rows, layout):
    if layout == "lines":
        return write_lines(tmp_path / "pairs.jsonl.gz", rows)
    file = tmp_path / "testset-v1.json"
    file.write_text(json_array_text([upstream(r) if isinstance(r, dict) else r for r in rows]))
    return str(file)


LAYOUTS = pytest.mark.parametrize("layout", ["lines", "array"])


@LAYOUTS
def test_pairs_of_a_prompt_become_one_record(tmp_path, layout):
    file = written(tmp_path, ROWS, layout)
    records, bad = parted(read(file))
    assert not bad
    assert [r.instruction for r in records] == ["Name river 1.", "Name river 2."]
    assert records[0] == Record(
        dataset="pandalm",
        instruction="Name river 1.",
        input="in Europe",
        candidates=tuple(Candidate(m, f"{m} says 1") for m in ("opt-7b", "llama-7b", "bloom")),
        file=file,
        line=1 if layout == "lines" else 2,
        category=None if layout == "lines" else "Maps",
        split="test",
        verdicts=tuple(
            Verdict(left, right, f"pandalm/person{i}", said, "", "")
            for left, right, votes in (
                ("opt-7b", "llama-7b", ("left", "left", "right")),
                ("llama-7b", "bloom", ("right", "tie", "right")),
            )
            for i, said in enumerate(votes, start=1)
        ),
    )
    assert [v.verdict for v in records[1].verdicts] == ["tie", "right", "left"]


@settings(max_examples=30, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.permutations(["a", "b-1", "c.d"]),
            st.sampled_from(["", "x", "y"]),
            st.sampled_from(["", "x", "y"]),
            st.lists(st.sampled_from(["1", "2", "tie"]), min_size=1, max_size=4),
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda p: (p[0], p[1][0], p[1][1], p[2], p[3]),
    )
)
def test_every_vote_stands_between_the_texts_that_were_shown(tmp_path_factory, pairs):
    """Whatever the order of the rows, and however often an LLM's text changes."""
    rows = [
        pair(prompt, f"{llms[0]}_{llms[1]}", votes, response1=left, response2=right)
        for prompt, llms, left, right, votes in pairs
    ]
    folder = tmp_path_factory.mktemp("pairs")
    records, bad = parted(read(write_lines(folder / "pairs.jsonl", rows)))
    assert not bad
    said = set()
    for record in records:
        texts = {(c.llm, c.decoding): c.text for c in record.candidates}
        assert len(texts) == len(record.candidates)
        assert len({(c.llm, c.text) for c in record.candidates}) == len(texts)
        assert {d for _, d in texts} <= {"", "text 2", "text 3"}
        for v in record.verdicts:
            shown = (texts[v.left_llm, v.left_decoding], texts[v.right_llm, v.right_decoding])
            said.add((record.instruction, v.left_llm, v.right_llm, *shown, v.judge, v.verdict))
    means = {"1": "left", "2": "right", "tie": "tie"}
    assert said == {
        (f"Name river {prompt}.", llms[0], llms[1], left, right, f"pandalm/person{i}", means[v])
        for prompt, llms, left, right, votes in pairs
        for i, v in enumerate(votes, start=1)
    }


@LAYOUTS
def test_cells_of_a_spreadsheet_are_texts(tmp_path, layout):
    rows = [
        pair(1, input=math.nan, response1=math.nan, response2=True),
        pair(2, input=None, response1=42, response2=None),
    ]
    records, bad = parted(read(written(tmp_path, rows, layout)))
    assert not bad
    assert [(r.input, *(c.text for c in r.candidates)) for r in records] == [
        ("", "", "True"),
        ("", "42", ""),
    ]


def test_options(tmp_path):
    file = written(tmp_path, ROWS, "lines")
    options = {"dataset": "mine", "split": None, "judge": "us", "llms": ["bloom", "llama-7b"]}
    (record,), bad = parted(read(file, **options))
    assert not bad
    assert (record.dataset, record.split, record.line) == ("mine", None, 3)
    assert [c.llm for c in record.candidates] == ["llama-7b", "bloom"]
    assert {v.judge for v in record.verdicts} == {"us/person1", "us/person2", "us/person3"}
    assert len(parted(read(file, limit=1))[0]) == 1
    assert len(parted(read(file, limit=1))[0][0].verdicts) == 6
    assert inspect.signature(load_source("pandalm")).parameters["split"].default == "test"


def test_an_underscore_in_a_name_parts_where_both_names_are_known(tmp_path):
    rows = [
        pair(1, "gpt_4_llama"),
        pair(1, "llama_bloom"),
        pair(2, "bloom_gpt_4"),
    ]
    file = write_lines(tmp_path / "pairs.jsonl", rows)
    records, bad = parted(read(file))
    assert [(b.line, b.field) for b in bad] == [(1, "llms"), (3, "llms")]
    assert all("which underscore" in b.reason and "bloom, llama" in b.reason for b in bad)
    assert len(records) == 1
    records, bad = parted(read(file, llms=["gpt_4", "llama", "bloom"]))
    assert not bad
    assert [(v.left_llm, v.right_llm) for r in records for v in r.verdicts[::3]] == [
        ("gpt_4", "llama"),
        ("llama", "bloom"),
        ("bloom", "gpt_4"),
    ]
    # What is not wanted need not be understood.
    records, bad = parted(read(file, llms=["llama", "bloom"]))
    assert (len(records), bad) == (1, [])


BAD = [
    (("instruction",), MISSING, "instruction", "missing"),
    (("input",), ["x"], "input", "expected text"),
    (("response1",), MISSING, "response1", "missing"),
    (("response2",), {"text": "x"}, "response2", "expected text, got an object"),
    (("response2",), "\ud800", "response2", "lone surrogate"),
    (("llms",), MISSING, "llms", "missing"),
    (("llms",), "opt", "llms", "an underscore between, got 'opt'"),
    (("llms",), "_opt", "llms", "an underscore between"),
    (("llms",), "opt_opt", "llms", "compares opt with itself"),
    (("llms",), 7, "llms", "expected text"),
    (("votes",), MISSING, "votes", "missing: a pair needs"),
    (("votes",), [], "votes", "missing: a pair needs"),
    (("votes",), "1", "votes", "expected an array"),
    (("votes", 1), "3", "votes[1]", "unknown vote '3'. Valid: 1, 2, tie"),
    (("votes", 2), 1, "votes[2]", "unknown vote 1"),
    (("votes", 0), [1], "votes[0]", "unknown vote an array"),
]


@pytest.mark.parametrize(("path", "value", "field", "reason"), BAD)
def test_a_bad_row_names_file_line_and_field(tmp_path, path, value, field, reason):
    rows = [ROWS[0], changed(ROWS[2], path, value), ROWS[1]]
    file = write_lines(tmp_path / "pairs.jsonl", rows)
    records, (bad,) = parted(read(file))
    assert (bad.file, bad.line, bad.field) == (file, 2, field)
    assert reason in bad.reason
    # The prompt keeps its other pairs.
    assert [len(r.candidates) for r in records] == [2, 2]


@pytest.mark.parametrize("vote", [3, True, "1", None, 1.0])
def test_a_vote_of_the_upstream_file_is_a_code(tmp_path, vote):
    row = upstream(ROWS[0]) | {"annotator2": vote}
    file = tmp_path / "testset.json"
    file.write_text(json_array_text([row]))
    records, (bad,) = parted(read(str(file)))
    assert (records, bad.line, bad.field) == ([], 2, "annotator2")
    assert "Valid: 1, 2, 0" in bad.reason


@LAYOUTS
def test_the_same_pair_again_is_a_bad_row_and_the_first_counts(tmp_path, layout):
    again = pair(1, "opt-7b_llama-7b", ("2", "2", "2"))
    turned = pair(1, "llama-7b_opt-7b", ("2", "2", "2"))
    (first, _), (bad,) = parted(read(written(tmp_path, [*ROWS, again, turned], layout)))
    assert f"stand on line {1 if layout == 'lines' else 2}" in bad.reason
    said = [(v.left_llm, v.verdict) for v in first.verdicts if v.right_llm != "bloom"]
    assert said[:3] == [("opt-7b", "left"), ("opt-7b", "left"), ("opt-7b", "right")]
    assert said[3:] == [("llama-7b", "right")] * 3


def test_a_broken_row_is_named(tmp_path):
    records, (bad,) = parted(read(written(tmp_path, [ROWS[0], "{", ROWS[1]], "lines")))
    assert (bad.line, len(records)) == (2, 2)
    records, (bad,) = parted(read(written(tmp_path, [ROWS[0], '{"a": ', ROWS[1]], "array")))
    assert (bad.line, len(records)) == (3, 1)


def test_wrong_options_are_refused_at_the_call(tmp_path):
    file = written(tmp_path, ROWS, "lines")
    for options, error, told in (
        ({"split": "tests"}, UnknownName, "Did you mean 'test'"),
        ({"llms": ["opt"]}, UnknownName, "Valid: bloom, llama-7b, opt-7b"),
        ({"llms": []}, BadValue, "at least one LLM"),
        ({"limit": 0}, BadValue, "limit"),
    ):
        with pytest.raises(error, match=told):
            read(file, **options)
    for path, told in (("no.jsonl", "no such file"), (str(tmp_path), "a directory")):
        with pytest.raises(BadSource, match=told):
            read(path)
