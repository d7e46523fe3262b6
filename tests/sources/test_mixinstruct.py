import gzip
import json
import math
import os
import subprocess
import sys

import pytest
from rows import MISSING, changed, mix_row, parted, write_lines

from workbench.errors import BadSource, BadValue, UnknownName
from workbench.sources import Verdict, load_source

read = load_source("mixinstruct")
FIRST = ("candidates", 0)


BAD = [
    (("instruction",), MISSING, "instruction", "missing"),
    (("instruction",), 3, "instruction", "expected text, got 3"),
    (("instruction",), None, "instruction", "got null"),
    (("instruction",), "half \ud83d", "instruction", "lone surrogate"),
    (("instruction",), "nul \x00", "instruction", "NUL"),
    (("input",), ["x"], "input", "got an array"),
    (("output",), 1.5, "output", "expected text"),
    (("id",), True, "id", "expected text"),
    (("id",), " ", "id", "empty"),
    (("candidates",), MISSING, "candidates", "missing"),
    (("candidates",), [], "candidates", "empty"),
    (("candidates",), {}, "candidates", "expected an array"),
    (FIRST, "text", "candidates[0]", "expected an object"),
    ((*FIRST, "model"), MISSING, "candidates[0].model", "missing"),
    ((*FIRST, "model"), "", "candidates[0].model", "empty"),
    ((*FIRST, "model"), 7, "candidates[0].model", "expected text"),
    ((*FIRST, "text"), MISSING, "candidates[0].text", "missing"),
    ((*FIRST, "text"), None, "candidates[0].text", "got null"),
    ((*FIRST, "text"), "\udc00", "candidates[0].text", "lone surrogate"),
    ((*FIRST, "decoding_method"), 1, "candidates[0].decoding_method", "expected text"),
    ((*FIRST, "scores"), [1], "candidates[0].scores", "expected an object"),
    ((*FIRST, "scores", "bleu"), math.nan, "candidates[0].scores.bleu", "finite number, got nan"),
    ((*FIRST, "scores", "bleu"), -math.inf, "candidates[0].scores.bleu", "finite number"),
    ((*FIRST, "scores", "bleu"), 10**400, "candidates[0].scores.bleu", "finite number"),
    ((*FIRST, "scores", "bleu"), "0.3", "candidates[0].scores.bleu", "expected a number"),
    ((*FIRST, "scores", "bleu"), True, "candidates[0].scores.bleu", "got True"),
    (("candidates", 2), mix_row(2)["candidates"][0], "candidates[2]", "as candidates[0]"),
    (("cmp_results",), "{", "cmp_results", "broken JSON"),
    (("cmp_results",), "[]", "cmp_results", "expected an object"),
    (("cmp_results",), '{"koala,moss": "A wins"}', "cmp_results[koala,moss]", "Same good"),
    (("cmp_results",), '{"koala,moss": null}', "cmp_results[koala,moss]", "unknown verdict null"),
    (("cmp_results",), '{"koala,vicuna": "Same bad"}', "cmp_results[koala,vicuna]", "unknown LLM"),
    (("cmp_results",), '{"koala": "Same bad"}', "cmp_results[koala]", "unknown LLM"),
    (("cmp_results",), '{"moss,moss": "Same bad"}', "cmp_results[moss,moss]", "with itself"),
    (("category",), 4, "category", "expected text"),
    (("tags",), "rivers", "tags", "expected an array"),
    (("tags",), ["rivers", 4], "tags[1]", "expected text"),
]


@pytest.mark.parametrize(("path", "value", "field", "reason"), BAD)
def test_bad_row_names_file_line_and_field(tmp_path, path, value, field, reason):
    source = mix_row(1), changed({**mix_row(2), "category": "c", "tags": []}, path, value)
    file = write_lines(tmp_path / "a.jsonl", [source[0], "", source[1], mix_row(3)])
    records, bad = parted(read(file))
    assert [record.line for record in records] == [1, 4]
    (row,) = bad
    assert (row.file, row.line, row.field) == (file, 3, field)
    assert reason in row.reason
    assert json.dumps(source[1]) == row.row


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": ', "broken JSON"),
        ("[1, 2]", "expected an object"),
        ("null", "expected an object, got null"),
        (b'{"id": "\xff"}', "not UTF-8"),
        ("[" * 100_000, "broken JSON"),
        ('{"id": ' + "9" * 5000 + "}", "broken JSON"),
    ],
)
def test_bad_line_is_bad_as_a_whole(tmp_path, line, reason):
    file = write_lines(tmp_path / "a.jsonl", [mix_row(1), line])
    records, (row,) = parted(read(file))
    assert len(records) == 1
    assert (row.file, row.line, row.field) == (file, 2, "(row)")
    assert reason in row.reason
    row.row.encode()


@pytest.mark.parametrize(
    ("again", "field", "reason"),
    [
        ({**mix_row(2), "id": "row-1"}, "id", "duplicate id 'row-1', first on line 1"),
        ({**mix_row(1), "id": "row-9"}, "instruction", "stand on line 1"),
    ],
)
def test_duplicates_are_bad_rows(tmp_path, again, field, reason):
    file = write_lines(tmp_path / "a.jsonl", [mix_row(1), again])
    records, (row,) = parted(read(file))
    assert len(records) == 1
    assert (row.line, row.field) == (2, field)
    assert reason in row.reason


def test_a_rejected_row_does_not_take_the_id_of_a_good_one(tmp_path):
    broken = changed(mix_row(1), ("candidates",), [])
    records, bad = parted(read(write_lines(tmp_path / "a.jsonl", [broken, mix_row(1)])))
    assert [record.line for record in records] == [2]
    assert [row.field for row in bad] == ["candidates"]


def test_llm_with_two_candidates_has_no_verdicts(tmp_path):
    row = mix_row()
    row["candidates"].append({**row["candidates"][0], "decoding_method": "beam"})
    _, (bad,) = parted(read(write_lines(tmp_path / "a.jsonl", [row])))
    assert (bad.field, "2 candidates" in bad.reason) == ("cmp_results[koala,alpaca]", True)
    row["cmp_results"] = None
    ((record,), _) = parted(read(write_lines(tmp_path / "a.jsonl", [row])))
    assert [c.decoding for c in record.candidates] == ["greedy", "greedy", "greedy", "beam"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_round_trip(tmp_path, name):
    full = {**mix_row(1), "category": "geography", "tags": ["rivers", "europe", "rivers"]}
    file = write_lines(tmp_path / name, [full, mix_row(2)])
    (record, plain), bad = parted(read(file, split="validation"))
    assert not bad
    assert (record.dataset, record.file, record.line) == ("mix-instruct", file, 1)
    assert (record.instruction, record.input) == ("Name river 1.", "in Europe")
    assert (record.reference, record.category, record.split) == (
        "The Danube.",
        "geography",
        "validation",
    )
    assert (record.tags, record.tagger) == (("rivers", "europe"), "mix-instruct")
    assert [c.llm for c in record.candidates] == ["koala", "alpaca", "moss"]
    assert record.candidates[1].text == "alpaca says 1"
    assert record.candidates[1].decoding == "greedy"
    assert record.candidates[1].qualities == {"bleu": 0.25, "bartscore": -2.5}
    assert record.candidates[1].usd is None
    assert record.verdicts == (
        Verdict("koala", "alpaca", "chatgpt", "left"),
        Verdict("alpaca", "moss", "chatgpt", "both bad"),
    )
    assert (plain.category, plain.tags, plain.tagger) == (None, (), "")


def test_what_may_be_missing(tmp_path):
    bare = {"instruction": "Hi", "candidates": [{"model": "koala", "text": ""}]}
    nulls = {
        **dict.fromkeys(("id", "input", "output", "cmp_results", "category", "tags")),
        "instruction": "Ho",
        "candidates": [{"model": "koala", "text": "x", "decoding_method": None, "scores": None}],
    }
    empty = {**nulls, "instruction": "Hu", "output": "", "cmp_results": "null"}
    unmeasured = changed(mix_row(), (*FIRST, "scores", "bleu"), None)
    records, bad = parted(read(write_lines(tmp_path / "a.jsonl", [bare, nulls, empty, unmeasured])))
    assert not bad
    for record in records[:3]:
        assert (record.input, record.reference, record.split) == ("", None, None)
        assert (record.verdicts, record.candidates[0].qualities) == ((), {})
    assert records[3].candidates[0].qualities == {"bartscore": -2.5}


def test_all_four_verdicts_judge_and_commas_in_names(tmp_path):
    row = mix_row()
    row["candidates"][0]["model"] = "koala,7b"
    said = {
        "koala,7b,moss": "A is better",
        "moss,koala,7b": "B is better",
        "alpaca,moss": "Same good",
        "moss,alpaca": "Same bad",
    }
    row["cmp_results"] = json.dumps(said)
    ((record,), _) = parted(read(write_lines(tmp_path / "a.jsonl", [row]), judge="gpt-4"))
    assert record.verdicts == (
        Verdict("koala,7b", "moss", "gpt-4", "left"),
        Verdict("moss", "koala,7b", "gpt-4", "right"),
        Verdict("alpaca", "moss", "gpt-4", "both good"),
        Verdict("moss", "alpaca", "gpt-4", "both bad"),
    )


def test_chosen_llms_and_limit(tmp_path):
    others = changed(mix_row(2), ("candidates",), mix_row(2)["candidates"][2:])
    others["cmp_results"] = None
    rows = [mix_row(1), others, mix_row(3), mix_row(4)]
    file = write_lines(tmp_path / "a.jsonl", rows)
    records, _ = parted(read(file, llms=["koala", "alpaca"], limit=2))
    assert [record.line for record in records] == [1, 3]
    assert [c.llm for c in records[0].candidates] == ["koala", "alpaca"]
    assert [v.verdict for v in records[0].verdicts] == ["left"]


def test_options_are_checked_at_the_call(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", [mix_row(1), "{", mix_row(2)])
    with pytest.raises(UnknownName, match=r"Did you mean 'koala'.*Valid: alpaca, koala, moss"):
        read(file, llms=["alpaca", "koalla"])
    with pytest.raises(UnknownName, match="Valid: test, train, validation"):
        read(file, split="dev")
    with pytest.raises(BadValue, match="limit"):
        read(file, limit=0)
    with pytest.raises(BadValue, match="llms"):
        read(file, llms=[])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "no rows"),
        (b"\n \n", "no rows"),
        (b"PAR1....", "parquet"),
        (b'[{"id": 1}]', "JSON array"),
        (gzip.compress(b'{"id": 1}\n' * 1000, mtime=0)[:-20], "cannot be read"),
    ],
)
def test_wrong_file_is_refused(tmp_path, content, message):
    file = tmp_path / "a.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadSource, match=message) as error:
        list(read(str(file)))
    assert str(file) in str(error.value)


def test_folder_of_splits_is_read_as_a_hub_dataset(tmp_path):
    for i, split in enumerate(("train", "validation", "test")):
        write_lines(tmp_path / f"{split}.jsonl", [mix_row(2 * i), mix_row(2 * i + 1)])
    records, bad = parted(read(str(tmp_path)))
    assert not bad
    assert [r.split for r in records] == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    assert records[0].candidates[0].qualities == {"bleu": 0.25, "bartscore": -2.5}
    assert records[0].verdicts[0].verdict == "left"
    (only,), _ = parted(read(str(tmp_path), split="test", limit=1))
    assert (only.split, only.instruction, only.line) == ("test", "Name river 4.", 1)
    assert only.file == f"{tmp_path} [test]"


def test_bad_row_and_duplicate_in_a_folder_of_splits(tmp_path):
    write_lines(tmp_path / "test.jsonl", [mix_row(1)])
    empty = changed(mix_row(2), ("input",), "")
    write_lines(tmp_path / "train.jsonl", [mix_row(1), changed(empty, ("instruction",), " ")])
    records, (blank, double) = parted(read(str(tmp_path)))
    assert len(records) == 1
    assert (blank.file, blank.line, blank.field) == (f"{tmp_path} [train]", 2, "instruction")
    assert f"in {tmp_path} [train], line 1" in double.reason


def test_hub_that_cannot_be_reached_is_one_plain_error(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadSource, match="cannot be loaded"):
        read(str(tmp_path / "folder"))
    with pytest.raises(BadSource, match="no hub id"):
        read("mix instruct")
    code = "from workbench.sources import load_source; load_source('mixinstruct')('owner/name')"
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    told = subprocess.run([sys.executable, "-c", code], env=offline, capture_output=True, text=True)
    assert "BadSource: owner/name: this dataset cannot be loaded" in told.stderr
