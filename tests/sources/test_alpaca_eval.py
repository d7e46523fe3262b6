import math

import pytest
from rows import MISSING, changed, parted, write_results

from workbench.errors import BadSource, BadValue, UnknownName
from workbench.sources import load_source

ROWS = range(1, 4)
PROBABILITY, LOGIT = "judge[judge]", "judge_logit[judge]"


def read(path, **options):
    return load_source("alpaca_eval")(path, annotator="judge", baseline="gpt", **options)


def output(llm, number):
    prompt = f"Prompt {number}"
    return {
        "instruction": prompt,
        "dataset": "koala",
        "output": f"{llm} {number}",
        "generator": llm,
    }


def annotation(llm, number, preference=1.25):
    return {
        "instruction": f"Prompt {number}",
        "generator_1": "gpt",
        "generator_2": llm,
        "output_2": f"{llm} {number}",
        "preference": preference,
    }


@pytest.fixture
def results(tmp_path):
    """Outputs and annotations of two LLMs, to be changed and written."""
    outputs = {llm: [output(llm, i) for i in ROWS] for llm in ("gpt", "alpaca", "vicuna")}
    annotations = {llm: [annotation(llm, i) for i in ROWS] for llm in ("alpaca", "vicuna")}
    return tmp_path / "results", outputs, annotations


def test_round_trip(results):
    path, outputs, annotations = results
    annotations["alpaca"] = [annotation("alpaca", i, p) for i, p in ((3, 1.75), (1, 1.0000001))]
    annotations["vicuna"][1]["preference"] = None
    del outputs["vicuna"][2]
    records, bad = parted(read(write_results(path, outputs, annotations)))
    assert not bad
    assert [r.instruction for r in records] == ["Prompt 1", "Prompt 2", "Prompt 3"]
    first = records[0]
    assert (first.dataset, first.category, first.reference) == ("alpaca_eval", "koala", "gpt 1")
    assert (first.input, first.split, first.line) == ("", None, 2)
    assert first.file == str(path / "gpt" / "model_outputs.json")
    assert [[c.llm for c in r.candidates] for r in records] == [["alpaca", "vicuna"]] * 2 + [
        ["alpaca"]
    ]
    assert first.candidates[1].text == "vicuna 1"
    assert first.candidates[1].qualities == {
        PROBABILITY: pytest.approx(0.25),
        LOGIT: pytest.approx(math.log(0.25 / 0.75)),
    }
    assert records[2].candidates[0].qualities[PROBABILITY] == pytest.approx(0.75)
    assert [c.qualities for c in records[1].candidates] == [{}, {}]


@pytest.mark.parametrize(("preference", "sign"), [(1, -1), (2, 1), (1 - 5e-7, -1), (2 + 5e-7, 1)])
def test_certain_preference_has_a_finite_logit(results, preference, sign):
    path, outputs, annotations = results
    annotations["alpaca"][0]["preference"] = preference
    (record, *_), bad = parted(read(write_results(path, outputs, annotations)))
    assert not bad
    qualities = record.candidates[0].qualities
    assert qualities[PROBABILITY] == (sign + 1) / 2
    assert qualities[LOGIT] == pytest.approx(sign * math.log(1e7), rel=1e-6)


BAD = [
    ("gpt", "outputs", ("instruction",), MISSING, "instruction", "missing"),
    ("gpt", "outputs", ("instruction",), "", "instruction", "empty"),
    ("gpt", "outputs", ("instruction",), "Prompt 1", "instruction", "duplicate prompt"),
    ("gpt", "outputs", ("output",), MISSING, "output", "missing"),
    ("gpt", "outputs", ("output",), "\ud800", "output", "lone surrogate"),
    ("gpt", "outputs", ("dataset",), 4, "dataset", "expected text"),
    ("alpaca", "outputs", ("instruction",), None, "instruction", "got null"),
    ("alpaca", "outputs", ("instruction",), "Prompt 1", "instruction", "duplicate prompt"),
    ("alpaca", "outputs", ("instruction",), "Prompt 9", "instruction", "baseline has no answer"),
    ("alpaca", "outputs", ("output",), MISSING, "output", "missing"),
    ("alpaca", "outputs", ("output",), 4, "output", "expected text"),
    ("alpaca", "outputs", ("output",), "\x00", "output", "NUL"),
    ("alpaca", "annotations", ("instruction",), MISSING, "instruction", "missing"),
    ("alpaca", "annotations", ("instruction",), "Prompt 9", "instruction", "baseline has no"),
    ("alpaca", "annotations", ("preference",), math.nan, "preference", "finite number"),
    ("alpaca", "annotations", ("preference",), "1.5", "preference", "expected a number"),
    ("alpaca", "annotations", ("preference",), True, "preference", "expected a number"),
    ("alpaca", "annotations", ("preference",), 0.5, "preference", "from 1 to 2, got 0.5"),
    ("alpaca", "annotations", ("preference",), 2.1, "preference", "from 1 to 2"),
    (
        "alpaca",
        "annotations",
        ("generator_1",),
        "davinci",
        "generator_1",
        "'davinci', not with gpt",
    ),
    ("alpaca", "annotations", ("output_2",), "other", "output_2", "read another answer"),
]


@pytest.mark.parametrize(("llm", "kind", "path", "value", "field", "reason"), BAD)
def test_bad_row_names_file_line_and_field(results, llm, kind, path, value, field, reason):
    place, outputs, annotations = results
    rows = (outputs if kind == "outputs" else annotations)[llm]
    rows[1] = changed(rows[1], path, value)
    records, bad = parted(read(write_results(place, outputs, annotations)))
    name = "model_outputs.json" if kind == "outputs" else "judge/annotations.json"
    assert (bad[0].file, bad[0].line, bad[0].field) == (str(place / llm / name), 3, field)
    assert reason in bad[0].reason
    assert len(records) == (2 if llm == "gpt" else 3)
    # A prompt that the baseline lost takes the LLMs' rows on it along, and nothing else.
    assert len(bad) == (5 if llm == "gpt" else 1)


def test_duplicate_annotation_is_a_bad_row_and_the_first_counts(results):
    path, outputs, annotations = results
    annotations["alpaca"].append(annotation("alpaca", 1, 1.9))
    (record, *_), (bad,) = parted(read(write_results(path, outputs, annotations)))
    assert (bad.line, bad.field) == (5, "instruction")
    assert record.candidates[0].qualities[PROBABILITY] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("rows", "line", "read_before"),
    [
        ([output("alpaca", 1), '{"instruction": ', output("alpaca", 3)], 3, 1),
        ([output("alpaca", 1), '{"a": 1} {"b": 2}'], 3, 1),
        (["{1"], 2, 0),
    ],
)
def test_broken_json_ends_its_file_only(results, rows, line, read_before):
    path, outputs, annotations = results
    outputs["alpaca"] = rows
    records, bad = parted(read(write_results(path, outputs, annotations)))
    broken = next(row for row in bad if row.field == "(row)" and "broken JSON" in row.reason)
    assert (broken.file, broken.line) == (str(path / "alpaca" / "model_outputs.json"), line)
    assert "the rest of the file is not read" in broken.reason
    assert sum(c.llm == "alpaca" for r in records for c in r.candidates) == read_before
    assert sum(c.llm == "vicuna" for r in records for c in r.candidates) == 3


@pytest.mark.parametrize(("text", "line"), [('[\n{"a": 1}', 2), ('[\n{"a": 1},\n\n', 4), ("[", 1)])
def test_file_cut_short_is_told(results, text, line):
    path, outputs, annotations = results
    write_results(path, outputs, annotations)
    (path / "alpaca" / "model_outputs.json").write_text(text)
    _, bad = parted(read(str(path)))
    assert [row.line for row in bad if "broken JSON" in row.reason] == [line]


@pytest.mark.parametrize("text", ["[]", " [ \n ] "])
def test_empty_array_has_no_rows(results, text):
    path, outputs, annotations = results
    write_results(path, outputs, annotations)
    (path / "alpaca" / "model_outputs.json").write_text(text)
    records, bad = parted(read(str(path)))
    assert [len(record.candidates) for record in records] == [1, 1, 1]
    assert not bad


def test_chosen_llms_and_limit(results):
    path = write_results(*results)
    records, _ = parted(read(path, llms=["vicuna"], limit=2))
    assert [[c.llm for c in r.candidates] for r in records] == [["vicuna"], ["vicuna"]]


def test_options_are_checked_at_the_call(results):
    path = write_results(*results)
    with pytest.raises(UnknownName, match=r"Did you mean 'vicuna'.*Valid: alpaca, vicuna"):
        read(path, llms=["vicunia"])
    with pytest.raises(BadValue, match="gpt"):
        read(path, llms=["gpt"])
    with pytest.raises(BadValue, match="llms"):
        read(path, llms=[])
    with pytest.raises(BadValue, match="limit"):
        read(path, limit=0)
    with pytest.raises(UnknownName, match=r"unknown annotator 'human'.*Valid: judge"):
        load_source("alpaca_eval")(path, annotator="human", baseline="gpt")
    with pytest.raises(UnknownName, match=r"unknown baseline.*Valid: alpaca, gpt, vicuna"):
        load_source("alpaca_eval")(path, annotator="judge", baseline="davinci")


def test_wrong_path_is_refused(results):
    path, *_ = results
    with pytest.raises(BadSource, match="no such directory"):
        read(str(path))
    write_results(*results)
    with pytest.raises(BadSource, match="expected results/"):
        read(str(path.parent))
    (path / "gpt" / "model_outputs.json").write_text('{"instruction": "a"}')
    with pytest.raises(BadSource, match="JSON array"):
        list(read(str(path)))
