"""The command line as a user meets it."""

import inspect
import json
import shutil
import sqlite3
from dataclasses import is_dataclass

import pytest
from processes import installed
from store_contract import breaches
from tiny_pipeline import MEASURE, TRAINER, counts, execute, one, rows, runs

from workbench.cli import VERBS, main
from workbench.grammar import load
from workbench.sources import SOURCES

MODEL = [
    "--model=PairRanker",
    "--model.encoder={hidden_size: 16, layers: 1, heads: 2, intermediate: 32, vocab_size: 300}",
    f"--model.measures={MEASURE}",
    "--model.source_maxlength=16",
    "--model.candidate_maxlength=16",
    "--data=PairData",
    f"--data.measures={MEASURE}",
    "--data.max_validation_prompts=4",
    *(f"--trainer.{name}={str(value).lower()}" for name, value in TRAINER.items()),
]


def said(capsys, *words):
    """Exit status, stdout and stderr of a command in this process."""
    capsys.readouterr()
    status = main(list(map(str, words)))
    return status, *capsys.readouterr()


def helped(capsys, *words):
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_overview_names_every_verb(capsys):
    for words in ([], ["--help"], ["-h"], ["help"]):
        status, out, _ = said(capsys, *words)
        assert status == 0
        assert all(f"  {verb} " in out for verb in VERBS)
    assert said(capsys, "--version")[1].startswith("workbench 0.")


@pytest.mark.parametrize("verb", [v for v in VERBS if v not in ("ingest", "run", "demo")])
def test_help_tells_every_option_with_its_default(capsys, verb):
    text = helped(capsys, verb)
    plain = " ".join(text.split())
    function = load(VERBS[verb][0])
    for name, parameter in inspect.signature(function).parameters.items():
        default = parameter.default
        # Options of a dataclass are told one by one.
        fields = vars(default) if is_dataclass(default) else {"": default}
        for field, value in fields.items():
            option = f"{name}.{field}".rstrip(".")
            if value not in (None, inspect.Parameter.empty):
                assert f"--{option}" in text
                assert f"default: {str(value).lower()}" in plain.lower()
        assert f"\n        {name}: " in function.__doc__ or f"\n    {name}: " in function.__doc__
    assert "--tracking_uri" in text


@pytest.mark.parametrize("source", SOURCES)
def test_help_of_a_source_tells_its_options(capsys, source):
    text = helped(capsys, "ingest", source)
    for name in inspect.signature(load(SOURCES[source])).parameters:
        assert f"--{name}" in text
    assert "--on_error {fail,skip}" in text or "--on_error" in text
    assert "default: fail" in " ".join(text.split())


def test_help_of_ingest_and_of_whole_experiments(capsys):
    assert all(source in helped(capsys, "ingest") for source in SOURCES)
    for verb in ("run", "demo"):
        text = helped(capsys, verb)
        assert "--STAGE.option VALUE" in text
        assert "default" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["mesure"], "Did you mean 'measure'"),
        (["measure", "--stoer=S"], "Did you mean --store?"),
        (["measure", "--stor=S"], "Did you mean --store?"),
        (["measure"], "required: store"),
        (["compare", "--store=S", "--tokens_per_batch=many"], "Expected a <class 'int'>"),
        (["sweep", "--store=S", "--trials=3.5"], "Expected a <class 'int'>"),
        (["compare", "--store=S", "--order=bath"], "Did you mean both?"),
        (["compare", "--store=S", "--order=bath"], "See: workbench compare --help"),
        (["ingest"], "name a source: simulated"),
        (["ingest", "simulatd", "--store=S"], "Did you mean 'simulated'"),
        (["ingest", "simulated", "--store=S", "--n_promts=3"], "Did you mean --n_prompts?"),
        (["ingest", "simulated", "--store=S", "--n_promts=3"], "workbench ingest simulated --help"),
        (["ingest", "jsonl", "--store=S"], "required: path"),
        (
            ["train", "--store=S", *MODEL, "--trainer.max_epoch=1"],
            "Did you mean --trainer.max_epochs",
        ),
        (["train", "--store=S", *MODEL, "--data.pair=all"], "Did you mean pairs?"),
        (
            ["train", "--store=S", *MODEL, "--model.encoder.hidden_sise=1"],
            "Did you mean hidden_size",
        ),
        (["train", "--store=S", *MODEL, "--model.encoder.hidden_size=15"], "a multiple of 2"),
        (["train", "--store=S", *MODEL, "--model.loss=sofd"], "Did you mean 'soft'"),
        (["train", "--store=S", *MODEL, "--trainer.logger=false"], "unrecognized"),
        (["info", "--store=S"], "no store at S: make one with `workbench ingest`"),
        (["forget", "--store=S"], "required: run"),
        (["run"], "name an experiment file"),
        (["run", "nowhere.yaml"], "no experiment file nowhere.yaml"),
    ],
)
def test_a_users_error_ends_with_2_and_says_what_would_do(
    capsys, tmp_path, monkeypatch, words, told
):
    monkeypatch.chdir(tmp_path)
    status, _, err = said(capsys, *words)
    assert status == 2
    assert err.startswith("error: ")
    assert told in err
    assert list(tmp_path.iterdir()) == []


def test_as_a_process_of_its_own(tmp_path):
    for words, status, told in (
        (["ingest", "simulated", "--n_prompts", 3, "--store", tmp_path / "s.duckdb"], 0, "read"),
        (["infos"], 2, "Did you mean 'info'"),
    ):
        process = installed(*words)
        _, err = process.communicate(timeout=120)
        assert process.returncode == status, err
        assert told in err
        assert "Traceback" not in err
    assert breaches(tmp_path / "s.duckdb") == []


def test_verb_by_verb_to_a_table(capsys, new_store, tmp_path):
    """What the README's user types, in its order."""
    store, out = new_store, tmp_path / "results.csv"
    at = ["--store", store]
    for words, shown in (
        (["ingest", "simulated", "--n_prompts=60", *at], "candidates"),
        (["measure", f"--measures={MEASURE}", *at], MEASURE),
        (["train", *MODEL, "--seed=2", *at], "validation/quality"),
        (["compare", "--splits", "validation,test", *at], "new comparisons"),
        (["aggregate", "--schemes", "max_logits,bradley_terry(prior=0.3, temperature=2.0)", *at],
         "bradley_terry(prior=0.3,"),
        (["evaluate", "--splits=[test]", "--resamples=50", *at], "BestSingle"),
        (["sweep", "--trials=2", "--top_k=1,2", *at], "2 trials"),
        (["export", "--table=results", "--to", out, *at], "results.csv"),
        (["info", *at], "evaluations"),
    ):  # fmt: skip
        status, shown_out, err = said(capsys, *words)
        assert status == 0, err
        assert shown in shown_out
    assert breaches(store) == []
    assert rows(store, "select distinct scheme from rankings order by scheme desc") == [
        ("max_logits;order=both;schedule=all",),
        ("bradley_terry(prior=0.3, temperature=2.0);order=both;schedule=all",),
    ]
    assert {json.loads(p)["top_k"] for (p,) in rows(store, "select params from trials")} <= {1, 2}
    assert out.read_text().count("\n") == 1 + one(store, "select count(*) from results")
    [run] = runs(store, "evaluate")
    status, shown_out, _ = said(capsys, "forget", run.info.run_id[:12], *at)
    assert status == 0
    assert run.info.run_id in shown_out
    assert one(store, "select count(*) from results where run_id = ?", run.info.run_id) == 0
    assert said(capsys, "forget", run.info.run_id, *at)[0] == 2


def test_names_in_a_list_may_hold_brackets_and_commas(capsys, compared_pool, fresh):
    store = fresh(compared_pool)
    names = ["judge[a,b]", "bart(x, y)@2"]
    for name in names:
        execute(store, "insert into qualities select candidate_id, ?, value from qualities "
                       "where measure = ?", name, MEASURE)  # fmt: skip
    words = ["evaluate", "--store", store, "--splits=test", "--resamples=20", "--schemes=bubble"]
    for given in ([f"--measures={','.join(names)}"], ["--measures", ",".join(names)]):
        status, out, err = said(capsys, *words, *given)
        assert status == 0, err
        assert all(f"by {name} on" in out for name in names)
    found = rows(store, "select distinct measure from results where measure like 'quality:%'")
    assert {measure for (measure,) in found} == {f"quality:{name}" for name in names}
    assert len(runs(store, "evaluate")) == 1
    status, _, err = said(capsys, *words, "--measures=judge[a,b],bart(x, z)@2")
    assert status == 2
    assert "unknown measure 'bart(x, z)@2'. Did you mean 'bart(x, y)@2'" in err


@pytest.mark.parametrize("way", ["option", "environment"])
def test_runs_go_where_they_are_sent(
    capsys, tmp_path, monkeypatch, measured_pool, empty_tracking, way
):
    store = tmp_path / "store.duckdb"
    shutil.copy(empty_tracking / "mlflow.db", tmp_path / "elsewhere.db")
    store.write_bytes((measured_pool / "store.duckdb").read_bytes())
    uri = f"sqlite:///{tmp_path}/elsewhere.db"
    words = ["measure", "--store", store, f"--measures={MEASURE}"]
    if way == "option":
        words += ["--tracking-uri", uri]
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    status, _, err = said(capsys, *words)
    assert status == 0, err
    db = sqlite3.connect(tmp_path / "elsewhere.db")
    assert db.execute("select status from runs").fetchall() == [("FINISHED",)]
    db.close()
    assert not (tmp_path / "mlflow.db").exists()
    assert counts(store)["qualities"] == 70 * 12


def test_options_may_be_spelt_with_dashes_as_usual(tmp_path, capsys):
    store = tmp_path / "store.duckdb"
    (tmp_path / "bad.jsonl").write_text(
        '{"instruction": "a", "llm": "x", "text": "y"}\n{"instruction": 3}\n'
    )
    words = ["ingest", "jsonl", "--path", str(tmp_path / "bad.jsonl"), "--store", str(store)]
    assert main([*words, "--on-error", "skip"]) == 0
    [listing] = store.with_suffix(".work").glob("rejected-jsonl-*.jsonl")
    assert "instruction" in listing.read_text()
    assert main([*words, "--on-eror", "skip"]) == 2
    assert "Did you mean --on_error?" in capsys.readouterr().err


def test_an_experiment_file_that_is_not_text_is_refused(tmp_path, capsys):
    (tmp_path / "store.duckdb").write_bytes(b"\xb8\x00\xff" * 100)
    assert main(["run", str(tmp_path / "store.duckdb")]) == 2
    assert "it is not text" in capsys.readouterr().err


def test_a_class_of_ones_own_may_lie_where_the_command_is_called(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from workbench.ranking.ranker import Ranker\n"
        "class Mine(Ranker):\n"
        "    def prepare(self): return self\n"
        "    def compare(self, *given, **options): raise SystemExit(7)\n"
    )
    # Python itself does not look into the folder where an installed command is called.
    told = ["compare", "--store=none.duckdb", "--model=mine.Mine"]
    answer = installed(*told, cwd=tmp_path)
    assert "no store at none.duckdb" in answer.communicate()[1]
