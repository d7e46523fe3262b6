"""A made-up world: prompts of two kinds, and for each kind an LLM that is good at it."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from workbench.routing.data import RouterData
from workbench.stages.ingest import ingest
from workbench.store.store import Store

LLMS = ["counter", "poet", "steady"]
WORDS = {
    "sums": ["add", "count", "sum", "number", "total", "seven", "twelve", "minus", "plus", "times"],
    "verse": ["write", "poem", "rose", "moon", "rhyme", "love", "autumn", "river", "song", "verse"],
}
WORTH = {"sums": [1.0, 0.0, 0.55], "verse": [0.0, 1.0, 0.55]}


def rows_of(prompts: int, seed: int = 0, missing: float = 0.0, noise: float = 0.05):
    """Rows of the source `jsonl`; some qualities are missing."""
    rng = np.random.default_rng(seed)
    for n in range(prompts):
        kind = ("sums", "verse")[n % 2]
        words = " ".join(rng.choice(WORDS[kind], 6))
        split = ("train", "train", "train", "validation")[(n // 2) % 4]
        known = rng.random(len(LLMS)) >= missing
        known[rng.integers(len(LLMS))] = True
        for llm, worth, there in zip(LLMS, WORTH[kind], known.tolist(), strict=True):
            row = {"instruction": f"{words} {n}", "llm": llm, "text": llm, "split": split}
            quality = worth + noise * float(rng.standard_normal())
            yield row | {"category": kind} | ({"quality.m": quality} if there else {})


def world(folder: Path, prompts: int = 120, **options) -> Path:
    """A store of this world."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows_of(prompts, **options))), "utf-8")
    ingest(folder / "store.duckdb", "jsonl", path=str(file), dataset="hand")
    return folder / "store.duckdb"


@cache
def _read(store: Path):
    data = RouterData("m").connect(Store(store))
    return data.store, {"train": data.train, "held_out": data.held_out}


def connected(store: Path, **options) -> RouterData:
    """Data with copies of its own; the store is read once for all."""
    opened, parts = _read(store)
    data = RouterData("m", **options).connect(opened)
    for name, part in parts.items():
        data.__dict__[name] = part.subset(np.arange(len(part.prompts)))
    return data


def fitted(router, store: Path, **options):
    """The router after `fit`, and its figures."""
    data = connected(store, **options)
    router.take_llms(LLMS)
    return router, router.fit(data)


NEW = ["sum seven plus twelve", "a poem of the moon", "count the total number", "", "zzz qqq"]
