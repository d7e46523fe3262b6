import json

import pytest
from rows import MISSING, changed, json_array_text, parted

from workbench.errors import BadSource, BadValue, UnknownName
from workbench.sources import Candidate, Record, load_source

CONFIGS = {"engine": "vllm", "temperature": 0.0, "top_p": 1.0, "max_tokens": 4096}


def read(path, **options):
    return load_source("zeroeval")(str(path), **options)


def row(number=1, says="18", **fields):
    return {
        "session_id": f"gsm8k-main-test-#{number}",
        "output": [json.dumps({"reasoning": "because", "answer": says})],
        "generator": "maker/model",
        "configs": CONFIGS,
        "dataset": "gsm",
        "question": f"What is {number}?",
        "answer": f"# {number}",
        **fields,
    }


def written(tmp_path, **files):
    folder = tmp_path / "result_dirs" / "gsm"
    folder.mkdir(parents=True)
    for llm, rows in files.items():
        (folder / f"{llm}.json").write_text(json_array_text(rows))
    return tmp_path


def test_files_of_llms_become_prompts(tmp_path):
    root = written(tmp_path, b=[row(1, "1"), row(2, "3")], a=[row(2, "2"), row(3, "3")])
    (root / "result_dirs" / "gsm" / "sampling").mkdir()  # upstream has it; it is another mode
    records, bad = parted(read(root))
    assert not bad
    assert [r.instruction for r in records] == ["What is 2?", "What is 3?", "What is 1?"]
    assert records[0] == Record(
        dataset="zeroeval",
        instruction="What is 2?",
        input="",
        candidates=(
            Candidate("a", row(2, "2")["output"][0], "greedy"),
            Candidate("b", row(2, "3")["output"][0], "greedy"),
        ),
        file=str(root / "result_dirs" / "gsm" / "a.json"),
        line=2,
        reference="2",
        category="gsm",
    )
    # The same from each of the directories.
    assert parted(read(root / "result_dirs"))[0] == records
    assert parted(read(root / "result_dirs" / "gsm"))[0] == records


@pytest.mark.parametrize(
    ("configs", "decoding"),
    [
        ({"temperature": 0.0, "top_p": 0.5}, "greedy"),
        ({"temperature": 0.7, "top_p": 0.95}, "sample(temperature=0.7, top_p=0.95)"),
        ({"temperature": 1}, "sample(temperature=1.0)"),
        ({}, ""),
        (None, ""),
    ],
)
def test_decoding_is_told_by_the_temperature(tmp_path, configs, decoding):
    ((record,), _) = parted(read(written(tmp_path, a=[row(configs=configs)])))
    assert record.candidates[0].decoding == decoding


@pytest.mark.parametrize("gold", ["# 70000", "70000", "#### 70000", "so much.\n#### 70000 "])
def test_the_gold_answer_stands_after_the_last_mark(tmp_path, gold):
    ((record,), _) = parted(read(written(tmp_path, a=[row(answer=gold)])))
    assert record.reference == "70000"


@pytest.mark.parametrize(
    ("path", "value", "field", "reason"),
    [
        (("question",), MISSING, "question", "missing"),
        (("question",), "", "question", "empty"),
        (("question",), "What is 1?", "question", "answered it before"),
        (("answer",), MISSING, "answer", "missing"),
        (("answer",), "# ", "answer", "empty after"),
        (("answer",), "# 5", "answer", "'5', but '2' of the same prompt in"),
        (("dataset",), "math", "dataset", "'math', but 'gsm'"),
        (("output",), MISSING, "output", "missing"),
        (("output",), "18", "output", "expected an array"),
        (("output",), [], "output", "empty"),
        (("output", 0), None, "output[0]", "expected text, got null"),
        (("configs",), "greedy", "configs", "expected an object"),
        (("configs", "temperature"), -1, "configs.temperature", "at least 0"),
    ],
)
def test_a_bad_row_names_file_line_and_field(tmp_path, path, value, field, reason):
    rows = [row(1), changed(row(2), path, value), row(3)]
    root = written(tmp_path, a=[row(i) for i in (1, 2, 3)], b=rows)
    records, (bad,) = parted(read(root))
    assert (bad.file, bad.line, bad.field) == (str(root / "result_dirs/gsm/b.json"), 3, field)
    assert reason in bad.reason
    # The other LLM's answer stays, and so do the other prompts.
    assert [[c.llm for c in r.candidates] for r in records] == [["a", "b"], ["a"], ["a", "b"]]


def test_broken_json_ends_its_file_only(tmp_path):
    records, (bad,) = parted(read(written(tmp_path, a=[row(1), "{", row(2)], b=[row(2)])))
    assert (bad.line, bad.field) == (3, "(row)")
    assert [[c.llm for c in r.candidates] for r in records] == [["a"], ["b"]]


def test_options(tmp_path):
    root = written(tmp_path, a=[row(1), row(2)], b=[row(3)])
    records, _ = parted(read(root, llms=["a"], dataset="mine", split="test", limit=1))
    assert [(r.dataset, r.split, r.instruction) for r in records] == [
        ("mine", "test", "What is 1?")
    ]
    for wrong, error, told in (
        ({"split": "tests"}, UnknownName, "Did you mean 'test'"),
        ({"llms": ["model"]}, UnknownName, "Valid: a, b"),
        ({"llms": []}, BadValue, "at least one LLM"),
        ({"limit": 0}, BadValue, "limit"),
        ({"task": "crux"}, BadSource, "nor in crux"),
    ):
        with pytest.raises(error, match=told):
            read(root, **wrong)
    with pytest.raises(BadSource, match="no such directory"):
        read(tmp_path / "none")
