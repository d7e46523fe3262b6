"""Every experiment with routers runs from end to end at smoke size, and then skips what is done."""

import json
from pathlib import Path

import pytest
import torch
from store_contract import breaches
from tiny_pipeline import contents, one, rows, runs

from workbench.cli import main
from workbench.models.vocabulary import tiny_tokenizer

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
ROUTED = sorted(file for file in EXPERIMENTS.glob("*.yaml") if "\n  route" in file.read_text())
TASKS = ["arc", "commonsense_qa", "human_eval", "math", "natural_qa"]
LLMS = ["qwen2.5-7b-instruct", "llama3-chatqa-1.5-70b", "codegemma-7b"]
STRONG, WEAK = "gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1"
SMALL = {
    "train-*.model.init_args.encoder": "{encoder}",
    "train-*.model.init_args.max_tokens": 16,
    "evaluate.resamples": 20,
    "evaluate.min_category": 3,
}
TRAINED = ("zooter", "zooter-tags", "classifier", "multilabel", "regression", "routerdc")


def question(n):
    return f"Tell me about river {n} of {TASKS[n % 5]} and its towns"


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """The files that experiments read, and an encoder with random weights."""
    folder = tmp_path_factory.mktemp("given")
    with (folder / "scores.jsonl").open("w") as file:
        for n in range(60):
            scores = {llm: float((n + place) % 5 > 1) for place, llm in enumerate(LLMS)}
            row = {"query": question(n), "task": TASKS[n % 5], "scores": scores}
            file.write(json.dumps(row) + "\n")
    with (folder / "gsm8k.jsonl").open("w") as file:
        for n in range(40):
            row = {"prompt": question(n), STRONG: str(n % 4 > 0), WEAK: str(n % 2 > 0)}
            texts = {f"{llm}_response": f"It is {n % 3}" for llm in (STRONG, WEAK)}
            file.write(json.dumps(row | texts) + "\n")
    outputs = folder / "gsm"
    outputs.mkdir()
    for place, llm in enumerate(LLMS):
        answers = [
            {
                "session_id": f"gsm8k-main-test-#{n}",
                "output": [json.dumps({"reasoning": "so", "answer": str((n + place) % 3)})],
                "generator": llm,
                "configs": {"temperature": 0.0},
                "dataset": "gsm",
                "id": f"gsm8k-main-test-#{n}",
                "question": question(n),
                "answer": f"# {n % 3}",
            }
            for n in range(40)
        ]
        (outputs / f"{llm}.json").write_text(json.dumps(answers))
    listed = (EXPERIMENTS / "alpaca_eval_llms.csv").read_text().splitlines()
    own = [line for line in listed if line.startswith(("llm", "alpaca-7b", "vicuna-13b"))]
    (folder / "prices.csv").write_text("\n".join(own))
    alpaca_eval(folder / "results")
    random_encoder(folder / "encoder")
    return {
        "llmrouter.yaml": folder / "scores.jsonl",
        "llmrouter_ood.yaml": folder / "scores.jsonl",
        "routellm.yaml": folder / "gsm8k.jsonl",
        "zeroeval.yaml": outputs,
        "alpaca_eval_routers.yaml": folder / "results",
        "encoder": folder / "encoder",
        "prices": folder / "prices.csv",
    }


def alpaca_eval(results):
    """A results directory of two LLMs of the price list, and the baseline's answers."""
    llms = ["gpt4_1106_preview", "alpaca-7b", "vicuna-13b"]
    for place, llm in enumerate(llms):
        judged = results / llm / "weighted_alpaca_eval_gpt4_turbo"
        judged.mkdir(parents=True)
        answers = [
            {
                "instruction": question(n),
                "output": f"{llm} {n}",
                "generator": llm,
                "dataset": "koala",
            }
            for n in range(40)
        ]
        (results / llm / "model_outputs.json").write_text(json.dumps(answers))
        verdicts = [
            {
                "instruction": row["instruction"],
                "output_1": "gpt4",
                "output_2": row["output"],
                "generator_1": llms[0],
                "generator_2": llm,
                "preference": 1.1 + 0.2 * ((n + place) % 4),
            }
            for n, row in enumerate(answers)
        ]
        if place:
            (judged / "annotations.json").write_text(json.dumps(verdicts))


def random_encoder(folder):
    from transformers import BertConfig, BertModel

    tokenizer = tiny_tokenizer([question(n) for n in range(9)], 200)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(tokenizer), intermediate_size=32, **sizes)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def words_of(file, store, given):
    """The command; a training that has epochs gets one, on a CPU."""
    labels = [f"train-{name}" for name in TRAINED if f"\n  train-{name}:" in file.read_text()]
    small = SMALL | {f"{label}.trainer.max_epochs": 1 for label in labels}
    small |= {f"{label}.trainer.accelerator": "cpu" for label in labels}
    small["ingest.path"] = str(given[file.name])
    if "\n  price:" in file.read_text():
        small["price.path"] = str(given["prices"])
    options = [f"--{name}={str(value).format(**given)}" for name, value in small.items()]
    return ["run", str(file), "--store", str(store), *options]


@pytest.mark.parametrize("file", ROUTED, ids=lambda file: file.name)
def test_an_experiment_with_routers_runs_and_then_skips_what_is_done(
    file, new_store, given, capsys
):
    words = words_of(file, new_store, given)
    assert main(words) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert breaches(new_store) == []
    trained = {run.info.run_id for run in runs(new_store, "train")}
    routed = {r for (r,) in rows(new_store, "select distinct router from routes")}
    assert trained == routed
    assert len(trained) == file.read_text().count("\n  train-")
    systems = {s for (s,) in rows(new_store, "select distinct system from results")}
    assert all(f"route:{router}/argmax" in systems for router in trained)
    assert {"Oracle", "BestSingle", "Random"} <= systems
    assert "Routing, by" in told
    assert one(new_store, "select count(*) from results where not isfinite(value)") == 0

    before = contents(new_store)
    assert main(words) == 0
    assert contents(new_store) == before
