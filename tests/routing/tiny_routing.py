"""A made-up world of two kinds of prompts and three LLMs, and tiny routers that live in it."""

import random

import pyarrow as pa
import pytorch_lightning as pl
import torch

from workbench.models.encoder import TinyEncoder
from workbench.routing.classifier import ClassifierRouter
from workbench.routing.data import RouterData
from workbench.routing.multi_label import MultiLabelRouter
from workbench.routing.regression import RegressionRouter
from workbench.routing.router_dc import RouterDC
from workbench.routing.zooter import ZOOTER
from workbench.store.ids import candidate_id, prompt_id
from workbench.store.store import Store

KINDS = (ZOOTER, ClassifierRouter, MultiLabelRouter, RegressionRouter, RouterDC)
LLMS = ["allround", "counter", "teller"]
MEASURE = "good"
# What each LLM's answer is worth: the all-round one is the best single one.
WORTH = {
    "maths": {"allround": 0.6, "counter": 0.9, "teller": 0.1},
    "stories": {"allround": 0.6, "counter": 0.1, "teller": 0.9},
}
NUMBERS = "add the numbers sum times divide three seven nine twelve count"
TALES = "tell a tale about dragon princess forest winter once upon king"
WORDS = {"maths": NUMBERS.split(), "stories": TALES.split()}
SHARED = "please now and then of my"
PROMPTS = ["add the numbers", "tell a tale about a dragon of the winter", "", "sum please " * 30]
TINY = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=32, vocab_size=120)


def prompt_row(number, kind, split, rng):
    """A prompt of a kind with an answer of every LLM."""
    words = rng.choices(WORDS[kind], k=rng.randint(3, 9)) + rng.choices(SHARED.split(), k=2)
    rng.shuffle(words)
    rewards = {llm: worth + rng.gauss(0, 0.15) for llm, worth in WORTH[kind].items()}
    text = f"{' '.join(words)} {number}"
    return {"text": text, "kind": kind, "split": split, "rewards": rewards, "tags": [kind]}


def world_rows(train=80, validation=30, test=10, seed=0):
    rng = random.Random(seed)
    splits = ["train"] * train + ["validation"] * validation + ["test"] * test
    kinds = list(WORTH)
    return [prompt_row(n, kinds[n % 2], split, rng) for n, split in enumerate(splits)]


def filled(path, rows):
    """A store of rows; a reward is a number, None (an answer that is not measured) or several."""
    store = Store.create(path)
    tables = {"prompts": [], "candidates": [], "qualities": [], "tags": []}
    for row in rows:
        pid = prompt_id("world", row["text"], "")
        tables["prompts"].append(
            {
                "prompt_id": pid,
                "dataset": "world",
                "split": row["split"],
                "instruction": row["text"],
                "input": "",
                "category": row["kind"],
            }
        )
        tables["tags"] += [{"prompt_id": pid, "tag": t, "tagger": "given"} for t in row["tags"]]
        for llm, given in row["rewards"].items():
            for n, value in enumerate(given if isinstance(given, list) else [given]):
                text = f"answer {n}"
                cid = candidate_id(pid, llm, "", text)
                own = {"prompt_id": pid, "llm": llm, "decoding": "", "text": text}
                tables["candidates"].append({"candidate_id": cid, **own})
                if value is not None:
                    tables["qualities"].append(
                        {"candidate_id": cid, "measure": MEASURE, "value": float(value)}
                    )
    names = sorted({candidate["llm"] for candidate in tables["candidates"]})
    store.insert("llms", pa.table({"llm": names}))
    for name, found in tables.items():
        if found:
            store.insert(name, pa.Table.from_pylist(found))
    return store


def router_data(store, **options):
    options = {"tokens_per_batch": 256, "tagger": "category", **options}
    return RouterData(MEASURE, **options).connect(store)


def tiny_router(kind, **options):
    options = {"lr": 5e-3, "max_tokens": 16, "dropout": 0.0, **options}
    return kind(TINY, **options)


def built(kind, llms=LLMS, texts=None, **options):
    """A router with weights far from the usual small ones, so that wrong tokens show."""
    torch.manual_seed(0)
    texts = texts or [NUMBERS, TALES, SHARED]
    router = tiny_router(kind, llms=llms, **options).build(texts)
    with torch.no_grad():
        for parameter in router.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return router.eval()


def checked(data, kind=ZOOTER, **options):
    """A router that the data has told its LLMs, without weights."""
    router = tiny_router(kind, **options)
    data.check(router)
    return router


def connected(kind, data, **options):
    """A router that the data has told its LLMs, with fresh weights."""
    router = checked(data, kind, **options)
    torch.manual_seed(0)
    return router.build(data.training_texts())


def trainer(tmp_path, **options):
    return pl.Trainer(
        **{
            "accelerator": "cpu",
            "max_epochs": 1,
            "reload_dataloaders_every_n_epochs": 1,
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            "default_root_dir": tmp_path,
            **options,
        }
    )
