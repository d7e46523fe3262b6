"""Every experiment file runs from end to end at smoke size, once, and then skips what is done."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from store_contract import breaches
from tiny_pipeline import contents, counts, one, rows, runs

from workbench.cli import VERBS, main
from workbench.errors import UnknownName
from workbench.experiment_file import steps
from workbench.models.vocabulary import tiny_tokenizer
from workbench.tracking import Tracker

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
DEMO = Path(str(files("workbench").joinpath("demo.yaml")))
# Those with routers have tests of their own.
RANKED = [DEMO, *sorted(f for f in EXPERIMENTS.glob("*.yaml") if "\n  route" not in f.read_text())]
SMALL = {
    "train.trainer.max_epochs": 1,
    "train.trainer.accelerator": "cpu",
    "evaluate.resamples": 50,
    "evaluate.splits": "[test]",  # half the plots
    "sweep.trials": 3,
}
SMALL_FUSER = {
    "train-fuser.model.init_args.model.encoder": "{encoder}",
    "train-fuser.model.init_args.model.decoder_layers": 1,
    # A decoder that has learned nothing writes as much as it may.
    "train-fuser.model.init_args.decoding.max_new_tokens": 8,
    "train-fuser.trainer.max_epochs": 1,
    "train-fuser.trainer.check_val_every_n_epoch": 1,
    "train-fuser.trainer.accelerator": "cpu",
    "measure-bertscore.model.init_args.encoder": "{encoder}",
    "measure-bertscore.model.init_args.layer": 1,
}
RANKERS = ("summa", "reward", "simcls")
# File -> what makes it small, and what it must be given. A new file needs an entry.
OVERRIDES = {
    "demo.yaml": SMALL
    | {
        "ingest.n_prompts": 50,
        "train.data.init_args.tokens_per_batch": 8192,
        "train-fuser.model.init_args.decoding.max_new_tokens": 8,
        "train-fuser.trainer.max_epochs": 1,
        "train-fuser.trainer.check_val_every_n_epoch": 1,
        "train-router.trainer.max_epochs": 1,
        "chain.trials": 2,
        "chain.fused_prompts": 6,
    },
    "alpaca_eval_fusion.yaml": {
        "ingest.path": "{alpaca_eval}",
        "train-reward.model.init_args.encoder": "{encoder}",
        "train-reward.trainer.max_epochs": 1,
        "train-reward.trainer.accelerator": "cpu",
        **SMALL_FUSER,
        "evaluate.resamples": 50,
        "evaluate.splits": "[test]",
    },
    "flask.yaml": {
        "ingest.path": "{mixinstruct}",
        "train.model.init_args.encoder": "{encoder}",
        "train.trainer.max_epochs": 1,
        "train.trainer.accelerator": "cpu",
        **SMALL_FUSER,
        "evaluate.resamples": 50,
        "evaluate.splits": "[test]",
    },
    "alpaca_eval.yaml": SMALL
    | {"ingest.path": "{alpaca_eval}", "train.model.init_args.encoder": "{encoder}"},
    "alpaca_eval_rankers.yaml": {
        "ingest.path": "{alpaca_eval}",
        "evaluate.resamples": 50,
        "evaluate.splits": "[test]",
        **{f"train-{name}.model.init_args.encoder": "{encoder}" for name in RANKERS},
        **{f"train-{name}.trainer.max_epochs": 1 for name in RANKERS},
        **{f"train-{name}.trainer.accelerator": "cpu" for name in RANKERS},
    },
}
ANNOTATOR = "weighted_alpaca_eval_gpt4_turbo"


@pytest.fixture(scope="module")
def alpaca_eval(tmp_path_factory) -> Path:
    """A results directory of three LLMs, 30 prompts and the baseline's answers."""
    results = tmp_path_factory.mktemp("alpaca_eval") / "results"
    prompts = [f"Tell me about river {n} and its towns" for n in range(30)]
    for place, llm in enumerate(["gpt4_1106_preview", "koala", "moss", "vicuna"]):
        (results / llm / ANNOTATOR).mkdir(parents=True)
        answers = [
            {
                "instruction": prompt,
                "output": f"{llm} says that it is long " + "and wide " * ((n + place) % 4),
                "generator": llm,
                "dataset": "helpful_base" if n % 2 else "vicuna",
            }
            for n, prompt in enumerate(prompts)
        ]
        (results / llm / "model_outputs.json").write_text(json.dumps(answers), "utf-8")
        judged = [
            {
                "instruction": prompt,
                "output_1": f"gpt4 {n}",
                "output_2": answers[n]["output"],
                "generator_1": "gpt4_1106_preview",
                "generator_2": llm,
                "preference": 1.0 + 0.2 * ((n + place) % 4) + 0.01 * n,
            }
            for n, prompt in enumerate(prompts)
        ]
        if place:
            (results / llm / ANNOTATOR / "annotations.json").write_text(json.dumps(judged))
    return results


@pytest.fixture(scope="module")
def mixinstruct(tmp_path_factory) -> Path:
    """Records of MixInstruct without scores: 40 prompts, a reference and three LLMs' answers."""
    file = tmp_path_factory.mktemp("mixinstruct") / "records.jsonl"
    records = [
        {
            "id": f"r/{n}",
            "instruction": f"Tell me about river {n} and its towns",
            "input": "",
            "output": "it is long " + "and wide " * (n % 3),
            "candidates": [
                {"model": llm, "text": f"{llm} says that it is " + "long and wide " * (n % k)}
                for k, llm in enumerate(["koala", "moss", "vicuna"], 2)
            ],
        }
        for n in range(40)
    ]
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return file


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    """A random BERT with a WordPiece tokenizer, as a plain directory."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = tiny_tokenizer(["tell me about river it is long and wide koala says that"], 200)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(tokenizer), intermediate_size=32, **sizes)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def options(name, **places):
    return [
        f"--{option}={str(value).format(**places)}" for option, value in OVERRIDES[name].items()
    ]


@pytest.mark.parametrize("file", RANKED, ids=lambda file: file.name)
def test_an_experiment_runs_and_then_skips_what_is_done(
    file, new_store, alpaca_eval, mixinstruct, encoder, capsys
):
    assert file.name in OVERRIDES, f"say in OVERRIDES how {file.name} runs at smoke size"
    store = new_store
    words = ["demo"] if file == DEMO else ["run", str(file)]
    words += ["--store", str(store)]
    given = {"alpaca_eval": alpaca_eval, "mixinstruct": mixinstruct, "encoder": encoder}
    words += options(file.name, **given)
    assert main(words) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert breaches(store) == []
    filled = counts(store)
    for table in ("prompts", "qualities", "comparisons", "rankings", "results"):
        assert filled[table] > 0
    swept = "sweep.trials" in OVERRIDES[file.name]
    tried = sum(n for o, n in OVERRIDES[file.name].items() if o.endswith(".trials"))
    assert one(store, "select count(*) from trials where state = 'COMPLETE'") == tried
    trained = {run.info.run_id for run in runs(store, "train")}
    assert len(trained) == len([o for o in OVERRIDES[file.name] if o.endswith(".max_epochs")])
    rankers = {r for (r,) in rows(store, "select distinct ranker from comparisons")}
    fusers = {f for (f,) in rows(store, "select distinct fuser from fusions")}
    routers = {r for (r,) in rows(store, "select distinct router from routes")}
    assert sorted([*rankers, *fusers, *routers]) == sorted(trained)
    assert bool(routers) == ("train-router.trainer.max_epochs" in OVERRIDES[file.name])
    assert bool(fusers) == ("train-fuser.trainer.max_epochs" in OVERRIDES[file.name])
    for stage in ("train", "compare", "evaluate", "sweep"):
        assert {run.info.status for run in runs(store, stage)} <= {"FINISHED"}
    systems = {s for (s,) in rows(store, "select distinct system from results")}
    assert {"Oracle", "BestSingle", "Longest", "Random"} <= systems
    assert all(any(s.startswith(f"{ranker}/") for s in systems) for ranker in rankers)
    assert all(any(s.startswith(f"fusion:{fuser}/") for s in systems) for fuser in fusers)
    assert all(head in told for head in ("Quality by", "Best LLM by"))
    assert ("Sweep" in told) == swept
    if file == DEMO:
        places = (f"--store {store}", Tracker(store).uri, "optuna-dashboard")
        assert all(place in told for place in places)

    before = contents(store)
    known = {run.info.run_id for run in runs(store)}
    assert main(words) == 0
    assert contents(store) == before
    assert {run.info.run_id for run in runs(store)} == known
    assert "going on from" not in capsys.readouterr().err


def test_what_is_lost_is_made_up_for_by_the_next_run(tmp_path, compared_pool, fresh, capsys):
    """A stage that has done its work is skipped; one that has not is done."""
    store, file = fresh(compared_pool), tmp_path / "part.yaml"
    file.write_text(
        "stages:\n  compare: {}\n  aggregate: {schemes: [borda]}\n"
        "  evaluate-one: {splits: [test], resamples: 20}\n"
        "  evaluate-two: {splits: [validation], resamples: 20, schemes: 'borda,bubble'}\n"
    )
    assert main(["run", str(file), f"--store={store}", "--evaluate-two.resamples", "30"]) == 0
    told = {run.data.params["splits"]: run.data.params for run in runs(store, "evaluate")}
    assert told["['test']"]["resamples"] == "20"
    assert told["['validation']"]["resamples"] == "30"
    assert told["['validation']"]["rankings"].count("/") == 2
    assert "[4/4] evaluate-two" in capsys.readouterr().err


GOOD = """
store: {store}
stages:
  ingest:
    source: simulated
    n_prompts: 4
  train:
    model:
      class_path: workbench.ranking.pair_ranker.PairRanker
      init_args: {{encoder: {{hidden_size: 16, heads: 2}}, measures: [rougeL@1], loss: soft}}
    data:
      class_path: workbench.ranking.data.PairData
      init_args: {{measures: [rougeL@1]}}
    trainer: {{max_epochs: 1}}
  evaluate:
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  ingest:", "  ingets:", "Did you mean 'ingest'"),
        ("  evaluate:", "  run: {}", "unknown stage"),
        ("    source: simulated\n", "", "stage 'ingest': it names no source"),
        ("source: simulated", "source: simulatd", "Did you mean 'simulated'"),
        ("n_prompts: 4", "n_promts: 4", "Did you mean --n_prompts"),
        ("n_prompts: 4", "n_prompts: four", "stage 'ingest'"),
        ("loss: soft", "los: soft", "Did you mean loss"),
        ("loss: soft", "loss: sofd", "Did you mean 'soft'"),
        ("hidden_size: 16", "hidden_size: 15", "a multiple of 2"),
        ("hidden_size: 16", "hidden_sise: 16", "Did you mean hidden_size"),
        ("max_epochs: 1", "max_epoch: 1", "Did you mean --trainer.max_epochs"),
        ("data.PairData", "data.PairDatum", "stage 'train'"),
        ("  evaluate:", "  evaluate: {resample: 3}", "Did you mean --resamples"),
        ("  evaluate:", "  evaluate: [3]", "a mapping of options"),
        ("store:", "stores:", "Did you mean 'store'"),
        ("stages:", "stages: [", "not YAML"),
    ],
)
def test_a_fault_is_told_before_any_stage_starts(tmp_path, capsys, old, new, told):
    store, file = tmp_path / "store.duckdb", tmp_path / "experiment.yaml"
    text = GOOD.format(store=store)
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    assert main(["run", str(file)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert told in err
    assert [path.name for path in tmp_path.iterdir()] == ["experiment.yaml"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--ingst.n_prompts=3"], "Did you mean '--ingest.…'"),
        (["--ingest.n_promts=3"], "Did you mean --n_prompts"),
        (["--ingest.n_prompts.more=3"], "has no options of its own"),
        (["--ingest.n_prompts=[3"], "not YAML"),
        (["--ingest.n_prompts"], "expected --store FILE"),
        (["ingest.n_prompts=3"], "expected --store FILE"),
        (["--store="], "names no store"),
    ],
)
def test_overrides_are_checked_too(tmp_path, capsys, words, told):
    file = tmp_path / "experiment.yaml"
    file.write_text(GOOD.format(store=tmp_path / "store.duckdb"), "utf-8")
    assert main(["run", str(file), *words]) == 2
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["experiment.yaml"]


def test_a_star_in_an_override_means_every_stage_that_it_fits(tmp_path):
    text = GOOD.format(store=tmp_path / "store.duckdb") + "  evaluate-more: {}\n"
    made = steps(text, "experiment.yaml", ["--evaluate*.resamples", "7"], VERBS)
    told = {step.label: step.arguments.get("resamples") for step in made}
    assert told == {"ingest": None, "train": None, "evaluate": 7, "evaluate-more": 7}
    with pytest.raises(UnknownName, match=r"--fuse\*"):
        steps(text, "experiment.yaml", ["--fuse*.seed", "7"], VERBS)
