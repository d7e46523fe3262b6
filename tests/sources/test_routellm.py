import csv

import pytest
from rows import MISSING, changed, parted, write_lines

from workbench.errors import BadSource, BadValue, UnknownName
from workbench.sources import Candidate, Record, load_source

MEASURE = "correct[routellm]@1"


def read(path, **options):
    return load_source("routellm")(path, **options)


def row(number=1, strong="True", weak="False"):
    return {
        "prompt": f"What is\n{number}?",
        "lab/weak": weak,
        "strong": strong,
        "lab/weak_response": f" weak, {number}",
        "strong_response": f'"strong" {number}',
    }


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


WRITERS = {"jsonl": write_lines, "jsonl.gz": write_lines, "csv": write_csv}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_row_becomes_marked_answers(tmp_path, kind):
    file = WRITERS[kind](tmp_path / f"a.{kind}", [row(1), row(2, weak="True")])
    records, bad = parted(read(file))
    assert not bad
    assert records[0] == Record(
        dataset="routellm",
        instruction="What is\n1?",
        input="",
        candidates=(
            Candidate("lab/weak", " weak, 1", qualities={MEASURE: 0.0}),
            Candidate("strong", '"strong" 1', qualities={MEASURE: 1.0}),
        ),
        file=file,
        line=2 if kind == "csv" else 1,
    )
    # A prompt of two lines takes two lines of a CSV.
    assert records[1].line == (4 if kind == "csv" else 2)
    assert [c.qualities[MEASURE] for c in records[1].candidates] == [1.0, 1.0]


@pytest.mark.parametrize("kind", WRITERS)
def test_what_a_row_does_not_tell_is_not_known(tmp_path, kind):
    nothing = "" if kind == "csv" else None
    rows = [
        row(1) | {"strong_response": nothing},
        row(2) | {"strong": nothing},
        row(3) | {"strong": nothing, "strong_response": nothing},
    ]
    records, bad = parted(read(WRITERS[kind](tmp_path / f"a.{kind}", rows)))
    assert not bad
    strong = [[c for c in r.candidates if c.llm == "strong"] for r in records]
    assert strong == [
        [Candidate("strong", None, qualities={MEASURE: 1.0})],
        [Candidate("strong", '"strong" 2')],
        [],
    ]


def test_marks_alone_are_enough(tmp_path):
    rows = [{"prompt": "A or B?", "weak": False, "strong": True}]  # as the files of MMLU, parsed
    ((record,), _) = parted(read(write_lines(tmp_path / "a.jsonl", rows)))
    assert [(c.llm, c.text, c.qualities[MEASURE]) for c in record.candidates] == [
        ("weak", None, 0.0),
        ("strong", None, 1.0),
    ]


@pytest.mark.parametrize(
    ("key", "value", "field", "reason"),
    [
        ("prompt", MISSING, "prompt", "missing"),
        ("prompt", " ", "prompt", "empty"),
        ("prompt", "What is\n1?", "prompt", "duplicate prompt"),
        ("strong", "yes", "strong", "expected True or False, got 'yes'"),
        ("strong", 1, "strong", "expected True or False, got 1"),
        ("strong_response", 7, "strong_response", "expected text"),
    ],
)
def test_a_bad_row_names_file_line_and_field(tmp_path, key, value, field, reason):
    file = write_lines(tmp_path / "a.jsonl", [row(1), changed(row(2), (key,), value), row(3)])
    records, (bad,) = parted(read(file))
    assert [r.line for r in records] == [1, 3]
    assert (bad.file, bad.line, bad.field) == (file, 2, field)
    assert reason in bad.reason


def test_a_row_that_tells_nothing_is_bad(tmp_path):
    _, (bad,) = parted(read(write_lines(tmp_path / "a.jsonl", [{"prompt": "Hm?"}])))
    assert (bad.line, bad.field) == (1, "(row)")


def test_cells_that_do_not_fit_the_head(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("prompt,weak\nA?,True\nB?\n\nC?,True,more\nD?,False\n", "utf-8-sig")
    records, bad = parted(read(str(file)))
    assert [r.line for r in records] == [2, 6]
    assert [(b.line, b.field, b.reason[:7]) for b in bad] == [
        (3, "(row)", "1 cells"),
        (5, "(row)", "3 cells"),
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no head"),
        (b"prompt,weak,weak\n", "two columns are called 'weak'"),
        (b"prompt,weak\n\xff\xfe,True\n", "cannot be read as CSV"),
        (b'prompt,weak\n"A?,True\n', "line 2: cannot be read as CSV"),
    ],
)
def test_a_file_that_is_no_csv(tmp_path, data, told):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(BadSource, match=told):
        list(read(str(tmp_path / "a.csv")))


@pytest.mark.parametrize("kind", WRITERS)
def test_options(tmp_path, kind):
    file = WRITERS[kind](tmp_path / f"a.{kind}", [row(1), row(2)])
    records, _ = parted(read(file, llms=["lab/weak"], dataset="mine", split="train", limit=1))
    assert [(r.dataset, r.split, [c.llm for c in r.candidates]) for r in records] == [
        ("mine", "train", ["lab/weak"])
    ]
    for wrong, error, told in (
        ({"split": "trian"}, UnknownName, "Did you mean 'train'"),
        ({"llms": ["weak"]}, UnknownName, "Valid: lab/weak, strong"),
        ({"llms": []}, BadValue, "at least one LLM"),
        ({"limit": 0}, BadValue, "limit"),
    ):
        with pytest.raises(error, match=told):
            read(file, **wrong)
    with pytest.raises(BadSource, match="no such file"):
        read(str(tmp_path / "none.csv"))
