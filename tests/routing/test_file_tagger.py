"""Tags that stand in files and in the prompts' categories."""

import csv
import gzip
import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tagged_pool import DATASET, lines, pool, pool_rows

from workbench.errors import BadRow, BadSource, BadValue, MissingInput
from workbench.routing.category_tagger import CategoryTagger
from workbench.routing.file_tagger import FileTagger
from workbench.stages.tag_rows import prompts_without
from workbench.store.ids import prompt_id
from workbench.store.store import Store

TEXTS = list(dict.fromkeys(row["instruction"] for row in pool_rows(6)))
TAG = st.text(st.sampled_from("abc ,é"), min_size=1, max_size=5).map(str.strip).filter(bool)


@pytest.fixture(scope="module")
def store(tmp_path_factory, empty_tracking):
    folder = tmp_path_factory.mktemp("prompts")
    shutil.copy(empty_tracking / "mlflow.db", folder)
    return Store(pool(folder / "store.duckdb", pool_rows(6)))


def found(tagger, store):
    """Tags of each prompt that has any, by its text."""
    tagger.prepare(store, None)
    prompts = prompts_without(store, "nobody", {"datasets": None, "splits": None})
    return {prompt.text: tags for prompt, tags in tagger.tags(prompts) if tags}


def test_a_category_is_a_tag(store):
    tagged = found(CategoryTagger(), store)
    assert tagged == {
        text: (kind,) for text, kind in zip(TEXTS, ["sums", "verse"] * 3, strict=True)
    }
    assert CategoryTagger().name == "category"
    assert CategoryTagger(label="mine").name == "category[mine]"


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(given_tags=st.lists(st.lists(TAG, max_size=4, unique=True), min_size=6, max_size=6))
def test_all_kinds_of_files_say_the_same(store, tmp_path, given_tags):
    by_text = dict(zip(TEXTS, given_tags, strict=True))
    rows = [
        {"dataset": DATASET, "instruction": text, "input": "", "tags": tags}
        for text, tags in by_text.items()
    ]
    ids = [{"prompt_id": prompt_id(DATASET, t, ""), "tags": tags} for t, tags in by_text.items()]
    files = [lines(tmp_path / "a.jsonl", rows), lines(tmp_path / "ids.jsonl", ids)]
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    for name, join in (("json.csv", json.dumps), ("semicolons.csv", "; ".join)):
        file = tmp_path / name
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, ["dataset", "instruction", "input", "tags"])
            writer.writeheader()
            writer.writerows({**row, "tags": join(row["tags"])} for row in rows)
        files.append(str(file))
    wanted = {text: tuple(tags) for text, tags in by_text.items() if tags}
    for file in [*files, str(packed)]:
        assert found(FileTagger(file), store) == wanted


def test_its_name_is_that_of_the_file(tmp_path):
    for name in ("kinds.jsonl", "kinds.jsonl.gz", "kinds.csv"):
        assert FileTagger(str(tmp_path / name)).name == "file[kinds]"
    assert FileTagger("kinds.csv", label="own").name == "file[own]"
    with pytest.raises(BadValue, match=r"expected a file \.jsonl\.gz, \.jsonl, \.csv"):
        FileTagger("kinds.parquet")
    with pytest.raises(BadValue, match="label = 'my kinds'"):
        FileTagger("my kinds.csv")


GOOD = {"dataset": DATASET, "instruction": TEXTS[0], "tags": ["a"]}


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        ({**GOOD, "tags": "a"}, "tags", "expected an array, got 'a'"),
        ({**GOOD, "tags": ["a", 3]}, "tags[1]", "expected text, got 3"),
        ({**GOOD, "tags": [" "]}, "tags[0]", "empty"),
        ({"prompt_id": "x"}, "tags", "missing"),
        ({"tags": ["a"]}, "prompt_id", "missing"),
        ({"instruction": "x", "tags": []}, "dataset", "missing"),
        ({**GOOD, "prompt_id": "x"}, "prompt_id", "give one of them"),
        ({**GOOD, "tag": []}, "tag", "Did you mean 'tags'?"),
        (GOOD, "instruction", "stood before, on line 1"),
        (["a"], "(row)", "expected an object"),
    ],
)
def test_a_bad_row_is_told_with_file_line_and_field(store, tmp_path, row, field, told):
    file = lines(tmp_path / "tags.jsonl", [GOOD, row])
    with pytest.raises(BadRow) as error:
        FileTagger(file).prepare(store, None)
    assert (error.value.file, error.value.line, error.value.field) == (file, 2, field)
    assert told in error.value.reason


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("prompt_id,tags\nx,a;b\n\ny\n", 4, "(row)"),
        ('prompt_id,tags\nx,"[""a"""\n', 2, "tags"),
        ("prompt_id,label\nx,a\n", 2, "label"),
        ("prompt_id\nx\n", 2, "tags"),
    ],
)
def test_a_bad_row_of_csv(store, tmp_path, text, line, field):
    file = tmp_path / "tags.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(BadRow) as error:
        FileTagger(str(file)).prepare(store, None)
    assert (error.value.line, error.value.field) == (line, field)


def test_prompts_that_are_not_there_are_told(store, tmp_path, capsys):
    away = {"prompt_id": "away", "tags": ["a"]}
    file = lines(tmp_path / "tags.jsonl", [away, GOOD])
    assert found(FileTagger(file), store) == {TEXTS[0]: ("a",)}
    assert "does not hold the prompts of 1 of 2 rows (line 1)" in capsys.readouterr().err
    with pytest.raises(MissingInput, match="none of its 1 prompts"):
        FileTagger(lines(tmp_path / "tags.jsonl", [away])).prepare(store, None)
    with pytest.raises(BadSource, match="no such file"):
        FileTagger(str(tmp_path / "none.jsonl")).prepare(store, None)
    (tmp_path / "head.csv").write_text("prompt_id,tags\n")
    with pytest.raises(MissingInput, match="holds no rows"):
        FileTagger(str(tmp_path / "head.csv")).prepare(store, None)
