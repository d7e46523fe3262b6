import json

import pytest
from store_contract import breaches
from tiny_pipeline import content, one, rows

from workbench.cli import main
from workbench.errors import BadRow, BadSource, MissingInput, StoreMissing
from workbench.stages.ingest import ingest
from workbench.stages.measure import measure
from workbench.stages.price import price

FACTS = "select llm, parameters_b, usd_per_mtok_in, usd_per_mtok_out from llms order by llm"
HEAD = "llm,parameters_b,usd_per_mtok_in,usd_per_mtok_out\n"


def said(capsys, *words):
    capsys.readouterr()
    status = main(list(map(str, words)))
    return status, *capsys.readouterr()


def zeroeval(folder, llms=("gemma-2-9b-it", "gemma-2-2b-it", "mine")):
    """A directory of ZeroEval in which the LLMs are right on 2, 1 and 0 of two questions."""
    (folder / "gsm").mkdir(parents=True)
    for right, llm in zip((2, 1, 0), llms, strict=True):
        outputs = [
            {
                "question": f"What is {n}?",
                "answer": f"# {n}",
                "output": [json.dumps({"answer": f"${n}.00" if n <= right else "100"})],
                "configs": {"temperature": 0},
                "dataset": "gsm",
            }
            for n in (1, 2)
        ]
        (folder / "gsm" / f"{llm}.json").write_text(json.dumps(outputs))
    return str(folder)


@pytest.fixture
def store(new_store, tmp_path):
    ingest(new_store, "zeroeval", path=zeroeval(tmp_path / "result_dirs"))
    return new_store


def table(tmp_path, text, name="prices.csv"):
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file


def test_a_source_tells_what_it_knows_and_the_table_the_rest(store, tmp_path, capsys):
    assert rows(store, FACTS) == [
        ("gemma-2-2b-it", 2, None, None),
        ("gemma-2-9b-it", 9, None, None),
        ("mine", None, None, None),
    ]
    file = table(tmp_path, HEAD + "mine,13,0.5,1\ngemma-2-2b-it,2.6,,\n gemma-2-9b-it ,,0.1,0\n")
    status, out, _ = said(capsys, "price", "--store", store, "--path", file)
    assert status == 0
    assert "told of 3 of 3 LLMs" in out
    known = [
        ("gemma-2-2b-it", 2.6, None, None),
        ("gemma-2-9b-it", 9, 0.1, 0),
        ("mine", 13, 0.5, 1),
    ]
    assert rows(store, FACTS) == known
    # Empty and missing say nothing: what is known stays.
    done = price(store, table(tmp_path, "usd_per_mtok_in,llm\n,mine\n0.7,gemma-2-2b-it\n"))
    assert done.rows == rows(store, FACTS) == [("gemma-2-2b-it", 2.6, 0.7, None), *known[1:]]
    # Nor does a source take the place of what a person has said.
    ingest(store, "zeroeval", path=str(tmp_path / "result_dirs"), dataset="again")
    assert rows(store, FACTS) == done.rows
    assert breaches(store) == []


@pytest.mark.parametrize("name", ["prices.json", "prices.jsonl"])
def test_json_is_a_table_too(store, tmp_path, name):
    given = [{"llm": "mine", "parameters_b": 7, "usd_per_mtok_in": None}, {"llm": "gemma-2-9b-it"}]
    text = json.dumps(given) if name.endswith("json") else "\n".join(map(json.dumps, given))
    assert price(store, table(tmp_path, text, name)).given == 2
    assert rows(store, FACTS)[2] == ("mine", 7, None, None)


@pytest.mark.parametrize(
    ("text", "line", "field", "told"),
    [
        (HEAD + "mine,1,1,1\ngemma-2,1,1,1\n", 3, "llm", "Did you mean 'gemma-2-9b-it'"),
        (HEAD + "mine,1,1,1\nmine,2,1,1\n", 3, "llm", "'mine' stands on line 2 too"),
        (HEAD + "mine,,,\n ,1,1,1\n", 3, "llm", "empty"),
        (HEAD + "mine,-1,1,1\n", 2, "parameters_b", "at least 0"),
        (HEAD + "mine,1,-0.5,1\n", 2, "usd_per_mtok_in", "at least 0, got -0.5"),
        (HEAD + "mine,1,1,free\n", 2, "usd_per_mtok_out", "expected a number, got 'free'"),
        (HEAD + "mine,1,nan,1\n", 2, "usd_per_mtok_in", "finite"),
        (HEAD + "mine,1\n", 2, "(row)", "2 cells, where the head has 4"),
        ("llm,price\nmine,1\n", 2, "price", "unknown column 'price'"),
        ("parameters_b\n7\n", 2, "llm", "missing"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(
    store, tmp_path, capsys, text, line, field, told
):
    file, before = table(tmp_path, text), content(store, "llms")
    status, _, err = said(capsys, "price", "--store", store, "--path", file)
    assert status == 2
    assert f"{file}, line {line}, field '{field}': " in err
    assert told in err
    assert content(store, "llms") == before
    with pytest.raises(BadRow):
        price(store, file)


def test_a_number_in_json_is_no_text(store, tmp_path):
    with pytest.raises(BadRow, match=r"line 1, field 'parameters_b': expected a number, got '7'"):
        price(store, table(tmp_path, '{"llm": "mine", "parameters_b": "7"}', "a.jsonl"))


def test_what_is_no_table(store, tmp_path):
    for name, text, told in (
        ("a.csv", "", "no head"),
        ("a.csv", HEAD, "holds no row"),
        ("a.json", "{}", "expected one JSON array"),
        ("a.yaml", "llm: mine", "ends in .csv, .json, .jsonl"),
    ):
        with pytest.raises(BadSource, match=told):
            price(store, table(tmp_path, text, name))
    with pytest.raises(BadSource, match="no such file"):
        price(store, tmp_path / "none.csv")
    with pytest.raises(StoreMissing):
        price(tmp_path / "none.duckdb", table(tmp_path, HEAD))


def test_final_answers_are_marked_where_they_are_asked_for(store, capsys):
    words = ("measure", "--store", store, "--measures", "final_answer@1")
    status, out, _ = said(capsys, *words)
    assert (status, "final_answer@1" in out) == (0, True)
    means = "select llm, avg(value) from measured_candidates group by llm order by llm"
    assert rows(store, means) == [("gemma-2-2b-it", 0.5), ("gemma-2-9b-it", 1.0), ("mine", 0.0)]


def test_scores_without_texts_come_in_and_are_not_measured(new_store, tmp_path, capsys):
    store, file = new_store, tmp_path / "scores.jsonl"
    scores = {"gemma-2-9b-it": 0.5, "new": 1}
    lines = [{"query": f"{n}?", "task": "mmlu", "scores": scores} for n in range(3)]
    file.write_text("\n".join(map(json.dumps, lines)))
    status, _, err = said(capsys, "ingest", "llmrouter", "--path", file, "--store", store)
    assert (status, breaches(store)) == (0, []), err
    assert one(store, "select count(*) from candidates where text is null") == 6
    assert rows(store, FACTS) == [("gemma-2-9b-it", 9, 0.1, 0.1), ("new", None, None, None)]
    assert rows(store, "select distinct measure from qualities") == [("score[llmrouter]@1",)]
    with pytest.raises(MissingInput, match="no answer"):
        measure(store, ["final_answer@1"])
    assert said(capsys, "info", "--store", store)[0] == 0


def test_right_and_wrong_with_prices(tmp_path, capsys):
    store, file = tmp_path / "s.duckdb", tmp_path / "gsm8k.csv"
    file.write_text("prompt,gpt-4-1106-preview,gpt-4-1106-preview_response\n1?,True,one\n")
    status, _, err = said(capsys, "ingest", "routellm", f"--path={file}", f"--store={store}")
    assert (status, breaches(store)) == (0, []), err
    assert rows(store, FACTS) == [("gpt-4-1106-preview", None, 10, 30)]
    assert rows(
        store, "select text, value from candidates join qualities using (candidate_id)"
    ) == [("one", 1.0)]
