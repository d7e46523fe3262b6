"""A small pool of answers to be judged, where the longer answer is the better one."""

import json
from pathlib import Path

import pyarrow as pa

from workbench.models.endpoint import Endpoint
from workbench.stages.ingest import ingest
from workbench.store.store import Store

LLMS = "abc"
PROMPTS = 4
JUDGE = "judge-model@pairwise-1"


def pool(store: Path, prompts: int = PROMPTS, llms: str = LLMS) -> Path:
    """Answers `a`, `bb`, `ccc` … to `task 0`, `task 1` …, all in the split validation."""
    file = store.with_name("answers.jsonl")
    rows = [
        {"instruction": f"task {n}", "llm": llm, "text": llm * (place + 1), "split": "validation",
         "reference": f"reference {n}"}
        for n in range(prompts)
        for place, llm in enumerate(llms)
    ]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    ingest(store, "jsonl", path=str(file))
    return store


def fused(store: Path, name: str, text: str, shown: str = "cb", **columns: object) -> None:
    """One fusion of each prompt, made of the candidates of the LLMs `shown`, in this order."""
    opened = Store(store)
    found = opened.query("select prompt_id, llm, candidate_id from candidates").to_pylist()
    ids = {(row["prompt_id"], row["llm"]): row["candidate_id"] for row in found}
    prompts = sorted({row["prompt_id"] for row in found})
    rows = [
        {
            "fusion_id": f"{name}-{prompt}", "fuser": name, "ranker": "ranker", "scheme": "scheme",
            "top_k": len(shown), "prompt_id": prompt, "text": text,
            "candidate_ids": [ids[prompt, llm] for llm in shown], **columns,
        }
        for prompt in prompts
    ]  # fmt: skip
    opened.insert("fusions", pa.Table.from_pylist(rows))


def endpoint(url: str, **options: object) -> Endpoint:
    """The judge behind this address."""
    return Endpoint("judge-model", url, **{"concurrency": 3, "retries": 2, **options})
