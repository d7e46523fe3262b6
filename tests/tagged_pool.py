"""Prompts of two kinds to be tagged; each kind has an LLM that is good at it."""

import json
import random
from pathlib import Path

from workbench.models.endpoint import Endpoint
from workbench.stages.ingest import ingest

DATASET, MEASURE = "hand", "good"
WORDS = {
    "sums": ["add", "count", "sum", "number", "total", "seven", "twelve", "minus", "plus", "times"],
    "verse": ["write", "poem", "rose", "moon", "rhyme", "love", "autumn", "river", "song", "verse"],
}
WORTH = {
    "sums": {"counter": 1.0, "poet": 0.0, "steady": 0.6},
    "verse": {"counter": 0.0, "poet": 1.0, "steady": 0.6},
}
SPLITS = ("train", "train", "train", "validation", "test")


def pool_rows(prompts: int = 40, seed: int = 0) -> list[dict]:
    """Rows of the source `jsonl`, those of a prompt together."""
    rng = random.Random(seed)
    rows = []
    for n in range(prompts):
        kind = ("sums", "verse")[n % 2]
        prompt = {
            "instruction": f"{' '.join(rng.choices(WORDS[kind], k=6))} {n}",
            "category": kind, "split": SPLITS[(n // 2) % 5],
        }  # fmt: skip
        for llm, worth in WORTH[kind].items():
            quality = worth + rng.gauss(0, 0.05)
            rows.append({**prompt, "llm": llm, "text": "x", "quality.good": quality})
    return rows


def pool(store: Path, rows: list[dict] | None = None) -> Path:
    """The store of these rows."""
    file = store.with_name("prompts.jsonl")
    file.write_text("\n".join(map(json.dumps, rows or pool_rows())), "utf-8")
    ingest(store, "jsonl", path=str(file), dataset=DATASET)
    return store


def lines(file: Path, rows: list[dict]) -> str:
    """Writes JSON lines; the file's path."""
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return str(file)


def endpoint(url: str, **options: object) -> Endpoint:
    """The tagging LLM behind this address."""
    return Endpoint("tag-model", url, **{"concurrency": 3, "retries": 2, **options})
